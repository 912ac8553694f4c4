import { isIP } from 'node:net';
import type { IceServer } from '../../protocol/frames.ts';
import type { MasterAddress } from '../balancer/balancer.ts';
import type { Route } from '../balancer/http-proxy.ts';
import type { StaticFiles } from '../balancer/static-files.ts';
import { isWebhookEventName, WEBHOOK_EVENT_NAMES, type WebhookEventName } from '../master/webhooks/webhook-events.ts';
import type { WebhookHeader } from '../master/webhooks/webhook-settings.ts';
import { isAddressRange } from '../shared/client-address.ts';
import { IceServerError, iceServersFrom, toIceServer } from '../shared/ice-servers.ts';
import { isEverywhere, isLoopback } from '../shared/own-addresses.ts';
import { UsageError } from './usage-error.ts';

/** Parsers of option values. Each throws a UsageError that quotes the wrong value. */

export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** The location of the shared store. */
export interface StoreLocation {
  readonly kind: 'sqlite';
  readonly file: string;
}

const HIGHEST_PORT = 65_535;
/** The highest port that is followed by another. */
const LAST_PORT_BUT_ONE = HIGHEST_PORT - 1;

export function readPort(text: string): number {
  const port = wholeNumber(text);
  if (port === undefined || port > HIGHEST_PORT) {
    throw new UsageError('InvalidPort', `"${text}" is not a port. Give a number from 0 (any free port) to 65535.`);
  }
  return port;
}

/** A port whose successor is also needed. */
export function readPortOfTwo(text: string): number {
  const port = readPort(text);
  if (port <= LAST_PORT_BUT_ONE) return port;
  throw new UsageError('InvalidPort', `No port follows ${text}, but the next one is needed, too. Give a lower one.`);
}

export function readPortRange(text: string): PortRange {
  const [min, max, ...rest] = text.split('-').map(wholeNumber);
  if (min === undefined || max === undefined || rest.length > 0 || min < 1 || max > HIGHEST_PORT) {
    throw new UsageError('InvalidPortRange', `"${text}" is not a range of ports. Give MIN-MAX, e.g. 40000-40100.`);
  }
  if (min > max) {
    throw new UsageError('InvalidPortRange', `The range ${text} is empty. Give the lower port first.`);
  }
  return { min, max };
}

export function readCount(text: string): number {
  const count = wholeNumber(text);
  if (count === undefined || count < 1 || count > 64) {
    throw new UsageError('InvalidCount', `"${text}" is not a valid count. Give a number from 1 to 64.`);
  }
  return count;
}

export function readMilliseconds(text: string): number {
  const ms = wholeNumber(text);
  if (ms === undefined || ms < 1 || ms > 86_400_000) {
    throw new UsageError('InvalidDuration', `"${text}" is not a valid time. Give whole milliseconds, e.g. 1000.`);
  }
  return ms;
}

/** The origin of an HTTP server. */
function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError('InvalidUrl', `"${text}" is not an HTTP URL. Give one like http://10.0.0.4:4000.`);
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new UsageError('InvalidUrl', `"${text}" has more than a scheme, host and port. Give ${url.origin}.`);
  }
  return url.origin;
}

/** The public URL of the cluster: an origin, optionally with the path under which a proxy serves it. */
export function readPublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError('InvalidUrl', `"${text}" is not an HTTP URL. Give one like https://video.example.org.`);
  }
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new UsageError('InvalidUrl', `"${text}" has more than a scheme, host, port and path. Give ${base}.`);
  }
  return base;
}

/** The origin of a server without TLS, such as those behind the balancer. */
export function readPlainUrl(text: string): string {
  const url = readUrl(text);
  if (url.startsWith('https:')) {
    throw new UsageError('InvalidUrl', `"${text}" needs TLS, which is not supported here. Give an http:// URL.`);
  }
  return url;
}

/** The default of the internal port: the one after the public port, or 0 (any free port) if that is 0. */
export function internalPortOf(port: number): number {
  if (port > LAST_PORT_BUT_ONE) {
    throw new UsageError('InvalidPort', 'No port follows 65535. Give --internal-port.');
  }
  return port === 0 ? 0 : port + 1;
}

/** `URL` or `URL=INTERNAL_URL`. By default, the internal port follows the public one. */
export function readMaster(text: string): MasterAddress {
  const at = text.indexOf('=');
  const url = readPlainUrl(at < 0 ? text : text.slice(0, at));
  if (at >= 0) return { url, internalUrl: readPlainUrl(text.slice(at + 1)) };
  const internal = new URL(url);
  internal.port = String(internalPortOf(Number(internal.port || 80)));
  return { url, internalUrl: internal.origin };
}

/** An origin of web pages, in the form that browsers send. */
export function readOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.origin === 'null' || (text !== url.origin && text !== `${url.origin}/`)) {
    throw new UsageError('InvalidOrigin', `"${text}" is not an origin. Give one like https://app.example.org.`);
  }
  return url.origin;
}

/** An origin, or `null`, which browsers send for pages without an origin, such as files. */
export function readSocketOrigin(text: string): string {
  return text === 'null' ? text : readOrigin(text);
}

/** An address of this machine. */
export function readAddress(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new UsageError('InvalidAddress', `"${text}" is not an IP address. Give one like 192.168.1.4.`);
}

/** The addresses for phones; `private`: all private addresses of this machine. */
export type LanAddresses = readonly string[] | 'private';

/** `private`, or addresses separated by commas. */
export function readLanAddresses(text: string): LanAddresses {
  if (text === 'private') return text;
  return text.split(',').map((part) => {
    const address = readAddress(part.trim());
    if (!isEverywhere(address) && !isLoopback(address)) return address;
    throw new UsageError('InvalidAddress', `Phones cannot reach ${address}. Give an address like 192.168.1.4.`);
  });
}

/** An address, or a CIDR range, of proxies. */
export function readAddressRange(text: string): string {
  if (!isAddressRange(text)) {
    throw new UsageError('InvalidAddress', `"${text}" is not an address. Give one like 10.0.0.4 or 10.0.0.0/24.`);
  }
  return text;
}

export function readId(text: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/.test(text)) {
    throw new UsageError(
      'InvalidId',
      `"${text}" is not a valid node name. Use up to 64 letters, digits, ".", "_" or "-", starting with a letter or digit.`,
    );
  }
  return text;
}

export function readSecret(text: string): string {
  if (text.trim() === '') throw new UsageError('InvalidSecret', 'The secret is empty. Give one that is hard to guess.');
  return text;
}

export function readStore(text: string): StoreLocation {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]+):/.exec(text)?.[1];
  if (scheme !== undefined && scheme !== 'sqlite') {
    throw new UsageError('UnsupportedStore', `Stores of kind "${scheme}" are not supported. Give sqlite:FILE.`);
  }
  const file = scheme === undefined ? text : text.slice('sqlite:'.length);
  if (file === '') throw new UsageError('InvalidStore', `"${text}" names no file. Give sqlite:FILE.`);
  return { kind: 'sqlite', file };
}

/** JSON: `[{"urls":"turn:turn.example.org:3478","username":"…","credential":"…"}]`. */
export function readIceServers(text: string): readonly IceServer[] {
  try {
    return iceServersFrom(JSON.parse(text)).map(toIceServer);
  } catch (error) {
    if (!(error instanceof IceServerError || error instanceof SyntaxError)) throw error;
    throw new UsageError(
      'InvalidIceServers',
      `${error.message} Give a JSON array like [{"urls":"turn:turn.example.org:3478","username":"me","credential":"secret"}].`,
    );
  }
}

/** `PREFIX=URL`, e.g. `/demo/api=http://127.0.0.1:1234`. */
export function readRoute(text: string): Route {
  const at = text.indexOf('=');
  const prefix = text.slice(0, Math.max(at, 0)).replace(/\/+$/, '');
  if (!isPrefix(prefix)) {
    throw new UsageError('InvalidRoute', `"${text}" is not a route. Give PREFIX=URL, e.g. /api=http://127.0.0.1:1234.`);
  }
  return { prefix, url: readPlainUrl(text.slice(at + 1)) };
}

/** `DIR` for `/`, or `PREFIX=DIR`, e.g. `/dist=dist`. */
export function readStaticFiles(text: string): StaticFiles {
  const at = text.startsWith('/') ? text.indexOf('=') : -1;
  if (at < 0) return { prefix: '/', directory: text };
  const prefix = text.slice(0, at).replace(/\/+$/, '');
  const directory = text.slice(at + 1);
  if ((prefix !== '' && !isPrefix(prefix)) || directory === '') {
    throw new UsageError('InvalidStatic', `"${text}" is not a directory to serve. Give DIR or PREFIX=DIR.`);
  }
  return { prefix: `${prefix}/`, directory };
}

/** The Content-Security-Policy of the pages below a prefix. */
export interface StaticPolicy {
  readonly prefix: string;
  readonly policy: string;
}

/** `PREFIX=POLICY`, e.g. `/=default-src 'self'`. */
export function readStaticPolicy(text: string): StaticPolicy {
  const at = text.indexOf('=');
  const prefix = text.slice(0, Math.max(at, 0)).replace(/\/+$/, '');
  const policy = text.slice(at + 1).trim();
  if (at < 1 || (text.slice(0, at) !== '/' && !isPrefix(prefix)) || !/^[\x20-\x7e]+$/.test(policy)) {
    throw new UsageError(
      'InvalidStaticPolicy',
      `"${text}" is not a policy for a prefix. Give PREFIX=POLICY, e.g. "/=default-src 'self'".`,
    );
  }
  return { prefix: `${prefix}/`, policy };
}

/** The URL of a webhook receiver, with any path and query. */
export function readWebhook(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError('InvalidWebhook', `"${text}" is not an HTTP URL. Give one like https://example.org/webhook.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError(
      'InvalidWebhook',
      `The URL for ${url.host} contains credentials. Give --webhook-header "Authorization: …" instead.`,
    );
  }
  return url.href;
}

/** Headers that the sender sets itself. */
const OWN_HEADERS = /^(content-type|content-length|transfer-encoding|connection|host|x-rejoin-.*)$/i;

/** `NAME: VALUE`, e.g. `Authorization: Bearer abc`. */
export function readWebhookHeader(text: string): WebhookHeader {
  const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*?)\s*$/.exec(text) ?? [];
  // The value may be a secret, so errors quote only the name.
  const named = name || text.split(':')[0];
  if (name === '' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    throw new UsageError(
      'InvalidHeader',
      `"${named}" is not the start of a valid header. Give one like "Authorization: Bearer abc".`,
    );
  }
  if (OWN_HEADERS.test(name)) {
    throw new UsageError('InvalidHeader', `The sender sets the header "${name}" itself. Leave it out.`);
  }
  return { name, value };
}

export function readWebhookEvent(text: string): WebhookEventName {
  if (isWebhookEventName(text)) return text;
  throw new UsageError('InvalidEvent', `There is no event "${text}". There are: ${WEBHOOK_EVENT_NAMES.join(', ')}.`);
}

export function readQueueLength(text: string): number {
  const length = wholeNumber(text);
  if (length === undefined || length < 1 || length > 1_000_000) {
    throw new UsageError('InvalidQueueLength', `"${text}" is not a valid length. Give a number from 1 to 1000000.`);
  }
  return length;
}

function isPrefix(text: string): boolean {
  return /^(\/[a-zA-Z0-9_.-]+)+$/.test(text);
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
