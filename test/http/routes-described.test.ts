import { expect, test } from 'vitest';
import { apiUnderTest } from '../support/api-fakes.ts';

const ACCOUNT = '/v2/accounts/{accountId}';

test('calls, channels, recordings, events and the audit are in the description, each with what it takes and answers', async () => {
  const api = await apiUnderTest();
  const { paths, components } = (await api.ask('GET', '/openapi.json')).json;
  for (const [path, methods] of Object.entries({
    '/calls': ['get', 'put'],
    '/calls/{callId}': ['delete', 'get', 'post'],
    '/channels': ['get'],
    '/users/{userId}/channels': ['get'],
    '/devices/{deviceId}/channels': ['get'],
    '/channels/{uuid}': ['get', 'post', 'put'],
    '/recordings': ['get', 'put'],
    '/users/{userId}/recordings': ['get'],
    '/recordings/{recordingId}': ['delete', 'get', 'head', 'post'],
    '/recordings/{recordingId}/manifest': ['get'],
    '/recordings/{recordingId}/peaks': ['get'],
    '/recordings/jobs/{jobId}': ['get'],
    '/events': ['get'],
    '/webhooks': ['get'],
    '/webhooks/{eventId}': ['delete', 'post'],
    '/audit': ['get'],
    '/signing_key': ['get'],
  })) {
    const found = paths[`${ACCOUNT}${path}`];
    expect(Object.keys(found).sort(), path).toEqual(methods);
    for (const [method, operation] of Object.entries<Record<string, object>>(found)) {
      expect(operation.summary, `${method} ${path}`).toEqual(expect.any(String));
      expect(Object.keys(operation.responses!).some((status) => status.startsWith('2'))).toBe(true);
      expect('requestBody' in operation, `${method} ${path}`).toBe(method === 'put' || method === 'post');
    }
  }
  expect(Object.keys(paths[`${ACCOUNT}/recordings`].put.requestBody.content)).toEqual(['multipart/form-data']);
  expect(Object.keys(components.schemas)).toEqual(
    expect.arrayContaining(['record_call', 'Call', 'Channel', 'ActionResult', 'Recording', 'Job', 'AuditEntry']),
  );
});
