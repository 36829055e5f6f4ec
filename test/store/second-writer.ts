/** Another process on the same file: `second-writer.ts FILE COUNT` appends that many entries and reads them back. */
import { Store } from '../../src/store/store.ts';

const [path, count] = process.argv.slice(2);
const store = await Store.open(path!);
process.stdout.write('open\n');
for (let n = 0; n < Number(count); n++) {
  await store.atomically(async ({ audit }) => {
    const [last] = await audit.page('a1', { limit: 1 });
    await audit.append({
      accountId: 'a1',
      atUs: n,
      actor: 'second',
      action: 'count',
      subject: `${last?.entry ?? 0}`,
      data: {},
    });
  });
}
await store.close();
