import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import ts from '@typescript/typescript6';
import { ROOT } from './consumer.ts';

/**
 * The types of this SDK have every member of openvidu-browser 2.32.2's types, except those that the guide lists as
 * missing. `openvidu-browser-2.32.2.json` has that package's names and kinds.
 */
interface TheirExport {
  readonly kind: 'class' | 'interface' | 'enum' | 'type';
  /** Own methods, without inherited ones. */
  readonly methods?: readonly string[];
  readonly properties?: readonly string[];
  /** Of an enum or a type. */
  readonly values?: readonly string[];
}

type MemberKind = 'method' | 'property';

interface OurExport {
  readonly isValue: boolean;
  readonly members: ReadonlyMap<string, MemberKind>;
  /** The string values of this type. */
  readonly values: readonly string[];
}

let theirs: Readonly<Record<string, TheirExport>>;
let ours: ReadonlyMap<string, OurExport>;
before(async () => {
  theirs = JSON.parse(await readFile(join(import.meta.dirname, 'openvidu-browser-2.32.2.json'), 'utf8'));
  ours = readExports(join(ROOT, 'dist', 'rejoin.d.mts'));
});

test('every export of openvidu-browser exists: classes and enums as values, the rest as types', () => {
  assert.ok(Object.keys(theirs).length > 40, 'the facts are there');
  for (const [name, { kind, values = [] }] of Object.entries(theirs)) {
    const our = ours.get(name);
    assert.ok(our, `${name} is exported`);
    if (kind === 'class' || kind === 'enum') assert.ok(our.isValue, `${name} is a value`);
    assert.deepEqual(
      values.filter((value) => !our.values.includes(value)),
      [],
      `values of ${name} that are missing`,
    );
  }
});

test('every member exists with the same kind, except those that the guide lists', async () => {
  const missing: string[] = [];
  for (const [name, { methods = [], properties = [] }] of Object.entries(theirs)) {
    const members = ours.get(name)?.members;
    for (const method of methods) if (members?.get(method) !== 'method') missing.push(`${name}.${method}`);
    for (const property of properties) if (members?.get(property) !== 'property') missing.push(`${name}.${property}`);
  }
  assert.deepEqual(missing.sort(), (await membersInGuide()).sort());
});

/** The members in the guide's table: class, members, and reason. */
async function membersInGuide(): Promise<string[]> {
  const guide = await readFile(join(ROOT, 'docs', 'from-openvidu.md'), 'utf8');
  const [, section = ''] = /^### Members that are not there\n(.*?)(?=^#)/ms.exec(guide) ?? [];
  return [...section.matchAll(/^\| `(\w+)` \| (.+?) \| (.+?) \|$/gm)].flatMap(
    ([row, name, members = '', reason = '']) => {
      assert.ok(reason.length > 10, `a reason in ${row}`);
      return [...members.matchAll(/`(\w+)`/g)].map(([, member]) => `${name}.${member}`);
    },
  );
}

function readExports(file: string): Map<string, OurExport> {
  const { ESNext } = ts.ModuleKind;
  const { Bundler } = ts.ModuleResolutionKind;
  const lib = ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'];
  const program = ts.createProgram([file], { module: ESNext, moduleResolution: Bundler, lib, strict: true, types: [] });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(file);
  const module = source && checker.getSymbolAtLocation(source);
  assert.ok(module, `${file} is a module; "npm run build" makes it`);
  return new Map(
    checker.getExportsOfModule(module).map((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const type = checker.getDeclaredTypeOfSymbol(symbol);
      const isValue = (symbol.flags & ts.SymbolFlags.Value) !== 0;
      const texts = type.isUnion() ? type.types : [type];
      const values = texts.flatMap((one) => (one.isStringLiteral() ? one.value : []));
      const members = checker
        .getPropertiesOfType(type)
        .map((member) => [member.name, kindOf(checker, member)] as const);
      return [exported.name, { isValue, values, members: new Map(members) }];
    }),
  );
}

function kindOf(checker: ts.TypeChecker, member: ts.Symbol): MemberKind {
  const type = checker.getNonNullableType(checker.getTypeOfSymbol(member));
  return type.getCallSignatures().length > 0 ? 'method' : 'property';
}
