/** A JSON schema as rows of a table: each field by its dotted path, with its type and what it may be. Pure. */

export type JsonSchema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly allOf?: readonly JsonSchema[];
  readonly examples?: readonly unknown[];
  readonly [keyword: string]: unknown;
};

/** The document's named schemas. */
export type Definitions = Readonly<Record<string, JsonSchema>>;

export type FieldType = {
  /** `list of`, `string or null`. */
  readonly words: string;
  /** The schema that is described elsewhere, by its name. */
  readonly name: string | undefined;
};

export type FieldRow = {
  /** `data.masks[].mode`; `*` for keys that are free. */
  readonly path: string;
  readonly type: FieldType;
  readonly required: boolean;
  /** Choices, limits and the description, in this order. */
  readonly notes: readonly string[];
};

const REFERENCE = '#/components/schemas/';

const nameIn = ({ $ref }: JsonSchema): string | undefined =>
  $ref?.startsWith(REFERENCE) ? $ref.slice(REFERENCE.length) : undefined;

export const resolved = (schema: JsonSchema, definitions: Definitions): JsonSchema =>
  definitions[nameIn(schema) ?? ''] ?? schema;

export const typeOf = (schema: JsonSchema): FieldType => {
  const name = nameIn(schema);
  if (name !== undefined) return { words: '', name };
  if (schema.items === undefined) return { words: [schema.type ?? 'any'].flat().join(' or '), name };
  const item = typeOf(schema.items);
  return { words: `list of ${item.words}`.trim(), name: item.name };
};

/** The fields of a schema, and theirs. What has a name is described where that is, and not gone into. */
export const fieldRows = (schema: JsonSchema, path = ''): FieldRow[] => {
  const { properties = {}, patternProperties = {}, additionalProperties, items, required = [] } = schema;
  const below = (key: string, field: JsonSchema): FieldRow[] => {
    const at = path === '' ? key : `${path}.${key}`;
    return [rowOf(at, field, required.includes(key)), ...fieldRows(field, at)];
  };
  return [
    ...Object.entries(properties).flatMap(([key, field]) => below(key, field)),
    ...Object.values(patternProperties).flatMap((field) => below('*', field)),
    ...(typeof additionalProperties === 'object' ? below('*', additionalProperties) : []),
    ...(items === undefined ? [] : fieldRows(items, `${path}[]`)),
  ];
};

const LIMITS = [
  ['minimum', 'at least'],
  ['maximum', 'at most'],
  ['minLength', 'characters at least'],
  ['maxLength', 'characters at most'],
  ['pattern', 'matches'],
  ['format', 'format'],
  ['default', 'default'],
] as const;

const rowOf = (path: string, schema: JsonSchema, required: boolean): FieldRow => ({
  path,
  type: typeOf(schema),
  required,
  notes: [
    ...(schema.enum === undefined ? [] : [schema.enum.map(String).join(' | ')]),
    ...LIMITS.filter(([keyword]) => schema[keyword] !== undefined).map(
      ([keyword, words]) => `${words} ${schema[keyword]}`,
    ),
    ...(schema.description === undefined ? [] : [schema.description]),
  ],
});
