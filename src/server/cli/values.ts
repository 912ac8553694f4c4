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

/** Readers of option values. Each throws a UsageError that names what was given. */

export interface PortRange {
  readonly min: number;
  readonly max: number;
}

/** Where the shared store is. */
export interface StoreLocation {
  readonly kind: 'sqlite';
  readonly file: string;
}

const HIGHEST_PORT = 65_535;
/** The highest port that has another one behind it. */
const LAST_PORT_BUT_ONE = HIGHEST_PORT - 1;

export function readPort(text: string): number {
  const port = wholeNumber(text);
  if (port === undefined || port > HIGHEST_PORT) {
    throw new UsageError('InvalidPort', `"${text}" is not a port: give a number from 0 (any free one) to 65535.`);
  }
  return port;
}

/** A port behind which there is another one, which is taken, too. */
export function readPortOfTwo(text: string): number {
  const port = readPort(text);
  if (port <= LAST_PORT_BUT_ONE) return port;
  throw new UsageError('InvalidPort', `There is no port behind ${text}, and the next one is needed: give a lower one.`);
}

export function readPortRange(text: string): PortRange {
  const [min, max, ...rest] = text.split('-').map(wholeNumber);
  if (min === undefined || max === undefined || rest.length > 0 || min < 1 || max > HIGHEST_PORT) {
    throw new UsageError('InvalidPortRange', `"${text}" is not a range of ports: give MIN-MAX, e.g. 40000-40100.`);
  }
  if (min > max) {
    throw new UsageError('InvalidPortRange', `The range ${text} is empty: give the lower port first.`);
  }
  return { min, max };
}

export function readCount(text: string): number {
  const count = wholeNumber(text);
  if (count === undefined || count < 1 || count > 64) {
    throw new UsageError('InvalidCount', `"${text}" is not a number from 1 to 64.`);
  }
  return count;
}

export function readMilliseconds(text: string): number {
  const ms = wholeNumber(text);
  if (ms === undefined || ms < 1 || ms > 86_400_000) {
    throw new UsageError('InvalidDuration', `"${text}" is not a time: give whole milliseconds, e.g. 1000.`);
  }
  return ms;
}

/** The origin of an HTTP server. */
function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError('InvalidUrl', `"${text}" is not a URL: give one like http://10.0.0.4:4000.`);
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '') {
    throw new UsageError('InvalidUrl', `"${text}" says more than where a server is: give ${url.origin}.`);
  }
  return url.origin;
}

/** Where clients reach the cluster: an origin, and the path under which a proxy serves it, if there is one. */
export function readPublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError('InvalidUrl', `"${text}" is not a URL: give one like https://video.example.org.`);
  }
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new UsageError('InvalidUrl', `"${text}" says more than where the cluster is: give ${base}.`);
  }
  return base;
}

/** The origin of a server that is reached without TLS, as those behind the balancer are. */
export function readPlainUrl(text: string): string {
  const url = readUrl(text);
  if (url.startsWith('https:')) {
    throw new UsageError('InvalidUrl', `"${text}" needs TLS, which is not spoken here: give an http:// URL.`);
  }
  return url;
}

/** The port for the other processes of the cluster, unless it is given: the next one. Any that is free goes with any that is free. */
export function internalPortOf(port: number): number {
  if (port > LAST_PORT_BUT_ONE) {
    throw new UsageError('InvalidPort', 'There is no port behind 65535: give --internal-port.');
  }
  return port === 0 ? 0 : port + 1;
}

/** `URL` or `URL=INTERNAL_URL`; the internal port is the next one unless it is given. */
export function readMaster(text: string): MasterAddress {
  const at = text.indexOf('=');
  const url = readPlainUrl(at < 0 ? text : text.slice(0, at));
  if (at >= 0) return { url, internalUrl: readPlainUrl(text.slice(at + 1)) };
  const internal = new URL(url);
  internal.port = String(internalPortOf(Number(internal.port || 80)));
  return { url, internalUrl: internal.origin };
}

/** The origin of web pages, as browsers write it. */
export function readOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.origin === 'null' || (text !== url.origin && text !== `${url.origin}/`)) {
    throw new UsageError('InvalidOrigin', `"${text}" is not an origin: give one like https://app.example.org.`);
  }
  return url.origin;
}

/** The same, or `null`, which browsers send for pages that have no origin, such as files. */
export function readSocketOrigin(text: string): string {
  return text === 'null' ? text : readOrigin(text);
}

/** An address of this machine. */
export function readAddress(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new UsageError('InvalidAddress', `"${text}" is not an address: give one like 192.168.1.4.`);
}

/** The addresses at which phones are served; `private`: all private ones that this machine has. */
export type LanAddresses = readonly string[] | 'private';

/** `private`, or addresses separated by commas. */
export function readLanAddresses(text: string): LanAddresses {
  if (text === 'private') return text;
  return text.split(',').map((part) => {
    const address = readAddress(part.trim());
    if (!isEverywhere(address) && !isLoopback(address)) return address;
    throw new UsageError('InvalidAddress', `No phone reaches ${address}: give an address like 192.168.1.4.`);
  });
}

/** An address, or a range of addresses, of proxies. */
export function readAddressRange(text: string): string {
  if (!isAddressRange(text)) {
    throw new UsageError('InvalidAddress', `"${text}" is not an address: give one like 10.0.0.4 or 10.0.0.0/24.`);
  }
  return text;
}

export function readId(text: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/.test(text)) {
    throw new UsageError(
      'InvalidId',
      `"${text}" cannot name a node: give up to 64 letters, digits, ".", "_" or "-", a letter or digit first.`,
    );
  }
  return text;
}

export function readSecret(text: string): string {
  if (text.trim() === '') throw new UsageError('InvalidSecret', 'The secret is empty: give one that is hard to guess.');
  return text;
}

export function readStore(text: string): StoreLocation {
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]+):/.exec(text)?.[1];
  if (scheme !== undefined && scheme !== 'sqlite') {
    throw new UsageError('UnsupportedStore', `There is no store of kind "${scheme}": give sqlite:FILE.`);
  }
  const file = scheme === undefined ? text : text.slice('sqlite:'.length);
  if (file === '') throw new UsageError('InvalidStore', `"${text}" names no file: give sqlite:FILE.`);
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
    throw new UsageError('InvalidRoute', `"${text}" is not a route: give PREFIX=URL, e.g. /api=http://127.0.0.1:1234.`);
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
    throw new UsageError('InvalidStatic', `"${text}" is not a directory to serve: give DIR or PREFIX=DIR.`);
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
      `"${text}" is not the policy of a directory: give PREFIX=POLICY, e.g. "/=default-src 'self'".`,
    );
  }
  return { prefix: `${prefix}/`, policy };
}

/** Where webhooks go: any HTTP URL, as only its owner knows what it means. */
export function readWebhook(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new UsageError('InvalidWebhook', `"${text}" is not a URL: give one like https://example.org/webhook.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError(
      'InvalidWebhook',
      `The URL for ${url.host} has a user in it: give --webhook-header "Authorization: …" instead.`,
    );
  }
  return url.href;
}

/** Said by the sender itself. */
const OWN_HEADERS = /^(content-type|content-length|transfer-encoding|connection|host|x-rejoin-.*)$/i;

/** `NAME: VALUE`, e.g. `Authorization: Bearer abc`. */
export function readWebhookHeader(text: string): WebhookHeader {
  const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*?)\s*$/.exec(text) ?? [];
  // What is behind the name may be a secret, and is not repeated.
  const named = name || text.split(':')[0];
  if (name === '' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    throw new UsageError(
      'InvalidHeader',
      `"${named}" does not begin a header: give one like "Authorization: Bearer abc".`,
    );
  }
  if (OWN_HEADERS.test(name)) {
    throw new UsageError('InvalidHeader', `The header "${name}" is not for you to give: leave it out.`);
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
    throw new UsageError('InvalidQueueLength', `"${text}" is not a number from 1 to 1000000.`);
  }
  return length;
}

function isPrefix(text: string): boolean {
  return /^(\/[a-zA-Z0-9_.-]+)+$/.test(text);
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
