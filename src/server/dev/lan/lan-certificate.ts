import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';

export interface LanCertificate {
  /** The certificate, followed by its authority's. */
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM of the authority's certificate, for phones that should trust it. */
  readonly authority: string;
  /** SHA-256 of the certificate, in the form that browsers show. */
  readonly fingerprint: string;
}

const DAY_MS = 86_400_000;
/** For this long, a phone that has accepted the certificate need not do so again. iOS trusts at most 825 days. */
const VALID_DAYS = 90;
/** Allows for phones with slow clocks. */
const BEFORE_DAYS = 1;
/** A certificate is replaced this long before it expires, because a run may last for days. */
const RENEW_DAYS = 7;

/**
 * A certificate for these names, kept in `folder` and reused while it is valid. It is signed by a separate authority whose key is destroyed
 * at once. A phone that trusts the authority thus trusts this certificate and never another.
 *
 * @param names host names and addresses
 */
export async function lanCertificate(
  folder: string,
  names: readonly string[],
  now: number = Date.now(),
): Promise<LanCertificate> {
  const certFile = join(folder, 'lan.crt');
  const keyFile = join(folder, 'lan.key');
  const kept = readKept(certFile, keyFile, names, now);
  if (kept) return { certFile, keyFile, ...kept };

  const { cert, key, authority } = await make(names, now);
  // Write the certificate last: a key without its certificate is ignored.
  write(keyFile, key);
  write(certFile, cert + authority);
  return { certFile, keyFile, authority, fingerprint: new X509Certificate(cert).fingerprint256 };
}

/** `undefined` if there is no certificate that is valid for these names at this time. */
function readKept(
  certFile: string,
  keyFile: string,
  names: readonly string[],
  now: number,
): Pick<LanCertificate, 'authority' | 'fingerprint'> | undefined {
  try {
    const [cert = '', authority = ''] =
      readFileSync(certFile, 'utf8').match(/-----BEGIN[\s\S]+?-----END[^\n]+\n/g) ?? [];
    const leaf = new X509Certificate(cert);
    const issuer = new X509Certificate(authority);
    const fits =
      leaf.verify(issuer.publicKey) &&
      leaf.checkPrivateKey(createPrivateKey(readFileSync(keyFile, 'utf8'))) &&
      names.every((name) => (isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name)) !== undefined);
    const current = Date.parse(leaf.validFrom) <= now && now < Date.parse(leaf.validTo) - RENEW_DAYS * DAY_MS;
    return fits && current ? { authority, fingerprint: leaf.fingerprint256 } : undefined;
  } catch {
    return undefined;
  }
}

async function make(
  names: readonly string[],
  now: number,
): Promise<{ readonly cert: string; readonly key: string; readonly authority: string }> {
  // Loaded only here, because loading takes time, and most starts need no new certificate.
  const { generate } = await import('selfsigned');
  const common = {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - BEFORE_DAYS * DAY_MS),
    notAfterDate: new Date(now + VALID_DAYS * DAY_MS),
  } as const;
  const authority = await generate([{ name: 'commonName', value: 'Rejoin demo authority' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: 'commonName', value: 'Rejoin demo' }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: names.map((name) => (isIP(name) ? { type: 7, ip: name } : { type: 2, value: name })),
      },
    ],
  });
  return { cert: withNewline(leaf.cert), key: leaf.private, authority: withNewline(authority.cert) };
}

function withNewline(pem: string): string {
  return `${pem.trimEnd()}\n`;
}

/** Writes atomically, so that readers never see half a file. Only this user may read it. */
function write(path: string, content: string): void {
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, path);
}
