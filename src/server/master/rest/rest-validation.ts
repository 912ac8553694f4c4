import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { RestError } from './rest-error.ts';

const PARTS: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

/**
 * Validates requests by the schemas of the routes. Values in a body must have the exact type; path, query and header values, which are
 * text, are converted. Answers are not serialized by schema, which would drop undocumented fields; a test compares the two instead.
 */
export function useValidation(app: FastifyInstance): void {
  const compiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
    const check = Compile(schema);
    return (given: unknown) => {
      const value: unknown = httpPart === 'body' ? given : Value.Convert(schema, given);
      if (check.Check(value)) return { value };
      const [first] = check.Errors(value);
      const where = `${PARTS[httpPart ?? ''] ?? ''}${first?.instancePath ?? ''}`;
      return { error: new RestError(400, `${where} ${first ? reason(first) : 'does not fit'}. Correct this field.`) };
    };
  };
  app.setValidatorCompiler(compiler);
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
}

function reason({ message, params }: { message: string; params: unknown }): string {
  const { allowedValues } = params as { allowedValues?: readonly unknown[] };
  return allowedValues ? `must be one of ${allowedValues.filter((value) => value !== null).join(', ')}` : message;
}
