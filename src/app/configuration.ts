/** Settings from the environment and, below it, a file: read once, each fault by its name. */
import { readFileSync } from 'node:fs';
import { AppError, systemCode } from '../core/errors.ts';
import { printable } from '../core/field-errors.ts';
import { parseJsonText } from '../core/json-text.ts';
import { SETTING_KEYS, SETTINGS, type Setting, type SettingKey, type Settings, variableOf } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const LARGEST_FILE_BYTES = 1 << 20;

/**
 * @param file path of `--config`: a JSON object whose keys are the settings' names, or the variables'. The environment goes before it.
 * @throws AppError CONFIG_INVALID: a value that can't be, a name nobody knows; INPUT_MISSING: no such file.
 */
export const readConfiguration = (env: Environment, file?: string): Settings => {
  const unknown = Object.keys(env).find(
    (name) => name.startsWith('RECORD_CALL_') && !SETTING_KEYS.some((key) => variableOf(key) === name),
  );
  if (unknown !== undefined)
    throw new AppError(
      'CONFIG_INVALID',
      `${unknown} is no setting; there are ${SETTING_KEYS.map(variableOf).join(', ')}`,
    );
  const said = file === undefined ? new Map<SettingKey, string>() : readFile(file);
  const settings: Partial<Record<SettingKey, unknown>> = {};
  for (const key of SETTING_KEYS) {
    const own = env[variableOf(key)];
    const value = own ?? said.get(key);
    const where = own === undefined && value !== undefined ? `${file}: ${key}` : variableOf(key);
    settings[key] = read(key, value, where);
  }
  return settings as Settings;
};

const read = (key: SettingKey, text: string | undefined, where: string): unknown => {
  const setting: Setting<unknown> = SETTINGS[key];
  if (setting.isSecret === true && where !== variableOf(key))
    throw new AppError('CONFIG_INVALID', `${where} is a secret: it is taken from the environment, ${variableOf(key)}`);
  const value = setting.read(text ?? setting.fallback);
  if (value !== undefined) return value;
  if (setting.isSecret === true)
    throw new AppError('CONFIG_INVALID', `${where} takes ${setting.takes}, and has something else`);
  throw new AppError('CONFIG_INVALID', `${where} takes ${setting.takes}, not "${printable(text ?? '')}"`);
};

const readFile = (path: string): ReadonlyMap<SettingKey, string> => {
  const json = parseJsonText(textOf(path));
  if (!json.ok) throw new AppError('CONFIG_INVALID', `${path}: not JSON at line ${json.line}, column ${json.column}`);
  if (typeof json.value !== 'object' || json.value === null || Array.isArray(json.value))
    throw new AppError('CONFIG_INVALID', `${path}: not a JSON object of settings`);
  const said = new Map<SettingKey, string>();
  for (const [name, value] of Object.entries(json.value)) {
    const key = SETTING_KEYS.find((each) => each === name || variableOf(each) === name);
    if (key === undefined)
      throw new AppError(
        'CONFIG_INVALID',
        `${path}: ${printable(name)} is no setting; there are ${SETTING_KEYS.join(', ')}`,
      );
    if (!['string', 'number', 'boolean'].includes(typeof value))
      throw new AppError('CONFIG_INVALID', `${path}: ${key} takes ${SETTINGS[key].takes}`);
    said.set(key, String(value));
  }
  return said;
};

const textOf = (path: string): string => {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length <= LARGEST_FILE_BYTES) return text;
  } catch (cause) {
    throw new AppError('INPUT_MISSING', `can't read the configuration ${path} (${systemCode(cause) ?? 'unknown'})`, {
      cause,
    });
  }
  throw new AppError('CONFIG_INVALID', `${path}: larger than 1 MiB`);
};
