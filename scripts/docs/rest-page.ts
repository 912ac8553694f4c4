import { type OpenApi, type Operation, openApi, type Parameter, type Schema } from './open-api.ts';

const PREFIX = '/openvidu/api';
/** Statuses that any request may get. The page lists them once, at the top. */
const COMMON = ['401', '413', '415', '429', '503'];

/** The OpenAPI document as a page in Markdown. */
export async function restPage(): Promise<string> {
  const document = await openApi();
  const sections = document.tags.map(({ name, description }) => section(document, name, description));
  return [
    '# REST: requests and answers',
    'Made from the OpenAPI 3.1 document that every master serves at `/openvidu/api/openapi.json`. What it means, and where it',
    'differs from OpenVidu, is in [the guide](../rest.md).\n',
    ...document.info.description.split('\n'),
    `All paths begin with \`${PREFIX}\`. Requests need Basic auth: user \`OPENVIDUAPP\`, and the secret of the cluster.\n`,
    '## Answers to any request\n',
    table(['status', 'when'], commonAnswers(document)),
    ...sections,
    '## Objects\n',
    ...Object.entries(document.components.schemas).map(([name, schema]) => objectSection(name, schema)),
    '',
  ].join('\n');
}

function section(document: OpenApi, tag: string, description: string): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => tags.includes(tag))
      .map(([method, operation]) => operationSection(method, path.slice(PREFIX.length), operation)),
  );
  return [`## ${capital(tag)}\n`, `${description}\n`, ...operations].join('\n');
}

function operationSection(method: string, path: string, operation: Operation): string {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  const body = requestBody?.content?.['application/json']?.schema;
  const rows = [...parameters.map(parameterRow), ...(body ? fieldRows(body) : [])];
  const own = Object.entries(responses).filter(([status]) => !COMMON.includes(status));
  return [
    `### ${method.toUpperCase()} ${path}\n`,
    `${summary}${description === undefined ? '' : ` ${description}`}\n`,
    ...(rows.length > 0 ? [table(['parameter', 'type', ''], rows)] : []),
    table(
      ['answer', 'body', ''],
      own.map(([status, { content, description: when = '' }]) => [
        status,
        content ? typeOf(content['application/json']?.schema ?? {}) : 'empty',
        when,
      ]),
    ),
  ].join('\n');
}

function commonAnswers({ paths }: OpenApi): string[][] {
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  return COMMON.map((status) => {
    const described = operations.find(({ responses }) => responses[status])?.responses[status];
    return [status, described?.description ?? ''];
  });
}

function parameterRow({ name, in: where, required, description = '', schema }: Parameter): string[] {
  return [`\`${name}\` (${where}${required ? ', required' : ''})`, typeOf(schema), description];
}

function objectSection(name: string, schema: Schema): string {
  const rows = fieldRows(schema);
  return [`### ${name}\n`, `${schema.description ?? ''}\n`, table(['field', 'type', ''], rows)].join('\n');
}

/** The fields of an object, those of the objects in it included, by their paths. */
function fieldRows({ properties = {}, required = [] }: Schema, path = ''): string[][] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const inner = schema.items?.properties ? schema.items : schema;
    const here = `${path}${name}${schema.items?.properties ? '[]' : ''}`;
    const note = required.includes(name) || path !== '' ? '' : ' (optional)';
    return [[`\`${path}${name}\`${note}`, typeOf(schema), schema.description ?? ''], ...fieldRows(inner, `${here}.`)];
  });
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' ');
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.items) return `array of ${typeOf(schema.items)}`;
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  return types.join(' or ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cellOf).join(' | ')} |`;
  return `${[line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n')}\n`;
}

/** Outside of code, `{` and `<` would mean something to the site. */
function cellOf(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
