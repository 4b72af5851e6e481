// Checks answers of the mock against the server's contract, so that the mock cannot drift from it.

const kTypes = {
  string: (v) => typeof v === 'string',
  number: (v) => typeof v === 'number',
  integer: (v) => Number.isInteger(v),
  boolean: (v) => typeof v === 'boolean',
  array: Array.isArray,
  object: (v) => v !== null && typeof v === 'object' && !Array.isArray(v),
  null: (v) => v === null,
};

/** The faults of a value, as sentences; the part of JSON Schema that openapi.json uses. */
export function faults(value, schema, api, at = '$') {
  if (schema.$ref)
    return faults(value, api.components.schemas[schema.$ref.split('/').at(-1)], api, at);
  if (schema.anyOf) {
    const found = schema.anyOf.map((one) => faults(value, one, api, at));
    return found.some((one) => one.length === 0) ? [] : found.flat();
  }
  if (schema.type && ![schema.type].flat().some((type) => kTypes[type](value)))
    return [`${at} is no ${schema.type}`];
  if ('const' in schema && value !== schema.const) return [`${at} is not ${schema.const}`];
  if (schema.enum && !schema.enum.includes(value)) return [`${at} is none of ${schema.enum}`];
  if (Array.isArray(value))
    return value.flatMap((one, i) => faults(one, schema.items ?? {}, api, `${at}[${i}]`));
  if (!kTypes.object(value)) return [];
  const missing = (schema.required ?? [])
    .filter((name) => !(name in value))
    .map((name) => `${at}.${name} is missing`);
  const inside = Object.entries(schema.properties ?? {}).flatMap(([name, one]) =>
    name in value ? faults(value[name], one, api, `${at}.${name}`) : [],
  );
  return [...missing, ...inside];
}

/** [operation, path parameters] of a request, or null. */
export function operation_of(api, method, path) {
  for (const [pattern, operations] of Object.entries(api.paths)) {
    const names = [...pattern.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
    const found = new RegExp(`^${pattern.replace(/\{\w+\}/g, '([^/]+)')}$`).exec(path);
    const operation = operations[method.toLowerCase()];
    if (found && operation)
      return [
        operation,
        Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(found[i + 1])])),
      ];
  }
  return null;
}
