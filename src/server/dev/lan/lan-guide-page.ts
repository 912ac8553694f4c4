/** The page that prepares users of phones for the browser's warning. `page`: origin of the demo. */
export function guidePage(page: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="dark" />
    <title>Rejoin on this phone</title>
    <link rel="stylesheet" href="guide.css" />
  </head>
  <body>
    <main>
      <h1>Rejoin on this phone</h1>
      <p>
  Browsers allow the camera only on pages served over HTTPS. The computer that runs the demo has created its certificate itself, so
  your phone doesn't know the certificate and will warn you once.
      </p>
      <ol>
        <li>Open the demo with the button below.</li>
        <li>
          Accept the certificate:
          <dl>
            <dt>Chrome, Edge, Samsung Internet</dt>
            <dd>Tap <b>Advanced</b>, then <b>Proceed</b>.</dd>
            <dt>Safari on iPhone and iPad</dt>
            <dd>Tap <b>Show Details</b>, then <b>visit this website</b>, then <b>Visit Website</b>.</dd>
            <dt>Firefox</dt>
            <dd>Tap <b>Advanced</b>, then <b>Accept the Risk and Continue</b>.</dd>
          </dl>
        </li>
        <li>Allow camera and microphone, and join the room.</li>
      </ol>
      <a class="button" href="${page}/">Open ${page.replace('https://', '')}</a>
      <details>
        <summary>The page opens, but the room cannot be joined</summary>
        <p>
  Some versions of Safari accept the page this way, but not its sockets. In that case, let the phone trust the demo's authority:
        </p>
        <ol>
          <li><a href="authority.crt">Download the authority</a> and allow it.</li>
          <li>Settings, General, <b>VPN &amp; Device Management</b>: install “Rejoin demo authority”.</li>
          <li>Settings, General, About, <b>Certificate Trust Settings</b>: switch it on.</li>
        </ol>
        <p>
  Its key was destroyed after it had signed this one certificate, so nobody can sign another with it. Remove the authority when
  you are done.
        </p>
      </details>
      <p class="small">
  To check that this is the right computer, open the certificate from the warning. Its SHA-256 fingerprint must be the one in the
  terminal of the demo.
      </p>
    </main>
  </body>
</html>
`;
}

export const GUIDE_STYLE = `:root { color-scheme: dark; }
* { box-sizing: border-box; }
body {
  margin: 0;
  background: #0a0d13;
  color: #e8ecf4;
  font: 17px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere;
}
main { max-width: 34rem; margin: 0 auto; padding: 28px 20px 40px; }
h1 { margin: 0 0 12px; font-size: 28px; line-height: 1.15; letter-spacing: -0.02em; }
p { margin: 0 0 16px; color: #b9c2d3; }
ol { margin: 0 0 20px; padding-left: 22px; }
li { margin-bottom: 10px; }
li::marker { color: #8fa8ff; font-weight: 700; }
dl { margin: 10px 0 0; }
dt { color: #b9c2d3; font-size: 15px; }
dd { margin: 0 0 10px; }
a { color: #8fa8ff; }
.button {
  display: block;
  padding: 15px 20px;
  border-radius: 12px;
  background: #8fa8ff;
  color: #0a0d13;
  font-weight: 650;
  text-align: center;
  text-decoration: none;
}
details { margin: 24px 0; padding: 14px 16px; border: 1px solid #2a3242; border-radius: 12px; }
summary { cursor: pointer; }
details p, details ol { margin-top: 12px; font-size: 16px; }
.small { color: #97a2b6; font-size: 14px; }
`;
