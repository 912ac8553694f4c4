import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type PhoneGuide, requestPhoneGuides } from '../model/demo-server.ts';

/** How a phone gets into the demo, where it is served to phones. */
export function PhoneInvitation(): JSX.Element | null {
  const [guides, setGuides] = useState<readonly PhoneGuide[]>([]);
  useEffect(() => {
    let gone = false;
    // An invitation that cannot be had is left away: the page is for this computer first.
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
          The phone will warn of the certificate, which this computer has made itself: the page there says how to accept
          it.
        </p>
      </div>
    </section>
  );
}
