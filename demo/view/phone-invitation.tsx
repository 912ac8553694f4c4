import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type PhoneGuide, requestPhoneGuides } from '../model/demo-server.ts';

/** Explains how a phone joins the demo, if it is served to phones. */
export function PhoneInvitation(): JSX.Element | null {
  const [guides, setGuides] = useState<readonly PhoneGuide[]>([]);
  useEffect(() => {
    let gone = false;
    // Without an answer, show no invitation: the page mainly serves this computer.
    requestPhoneGuides().then(
      (found) => gone || setGuides(found),
      () => {},
    );
    return () => {
      gone = true;
    };
  }, []);
  const [first] = guides;
  if (!first) return null;
  return (
    <section class="phones" data-testid="phones">
      <img
        src={`data:image/svg+xml,${encodeURIComponent(first.qr)}`}
        width="132"
        height="132"
        alt={`QR code of ${first.url}`}
      />
      <div>
        <h2>Join with a phone</h2>
        <p>In the same network, scan this, or open {guides.map(({ url }) => url).join(' or ')}</p>
        <p>
          The phone will warn about the certificate, because this computer made it. The opened page explains how to
          accept it.
        </p>
      </div>
    </section>
  );
}
