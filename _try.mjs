import { chromium } from 'playwright';
const url = 'http://localhost:18080';
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox','--disable-gpu','--disable-quic','--no-first-run','--disable-background-networking','--disable-component-update','--disable-sync','--use-fake-ui-for-media-stream','--use-fake-device-for-media-stream','--autoplay-policy=no-user-gesture-required'] });
const open = async (name, provider) => {
  const page = await (await b.newContext()).newPage();
  page.on('console', (m) => console.log(`[${name}]`, m.text())); page.on('pageerror', (e) => console.log(`[${name}] PAGEERROR`, e.stack));
  await page.goto(url + '/health'); await page.evaluate(() => { document.body.innerHTML = '<div id=v></div>'; }); await page.addScriptTag({ url: '/dist/rejoin.min.js' });
  await page.evaluate(async ({ name, provider }) => {
    const t0 = performance.now(); const ev = window.ev = []; const log = (e, d = {}) => { ev.push({ e, t: Math.round(performance.now()), ...d }); console.log(Math.round(performance.now() - t0), e, JSON.stringify(d)); };
    const r = new rejoin.Rejoin(); const s = window.s = r.initSession();
    for (const e of ['connectionCreated','connectionDestroyed','streamDestroyed','streamCreated','reconnecting','reconnected','sessionDestroyed','rebuilding','rebuilt','sessionDisconnected','exception','signal']) s.on(e, (x) => log(e, { reason: x.reason, d: x.durationMs, attempt: x.attempt, delay: x.nextDelayMs, msg: x.message, data: x.data, cause: x.cause }));
    window.gaps = {};
    s.on('streamCreated', (e) => { const sub = s.subscribe(e.stream, 'v'); const v = sub.videos[0].video; v.muted = true; window.v = v; sub.on('streamPlaying', () => log('streamPlaying'));
      let last = 0; window.max = 0; window.frames = 0; const tick = () => { const n = performance.now(); if (last) window.max = Math.max(window.max, n - last); last = n; window.frames++; v.requestVideoFrameCallback(tick); }; v.requestVideoFrameCallback(tick); });
    const tok = async () => { const x = await fetch('/demo/api/token', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ room: 'r', name }) }); if (!x.ok) throw Object.assign(new Error('token ' + x.status), { status: x.status }); return (await x.json()).token; };
    const p = r.initPublisher('v', { publishAudio: true });
    await s.connect(provider ? tok : await tok(), { name }); log('connected');
    await s.publish(p); log('published');
  }, { name, provider });
  return page;
};
const a = await open('A', true), c = await open('B', true);
const pages = [a, c];
await Promise.all(pages.map((p) => p.waitForFunction(() => window.frames > 20)));
console.log('both playing');
await a.evaluate(() => s.signal({ type: 'chat', data: 'hi' }));
const A = 'Basic ' + Buffer.from('OPENVIDUAPP:MY_SECRET').toString('base64');
const { readFileSync } = await import('node:fs'); const { DatabaseSync } = await import('node:sqlite');
const kill = process.argv[2];
if (kill) {
  const db = new DatabaseSync('/tmp/dev1/store.sqlite'); const row = db.prepare("select owner, media_node from sessions where session_id='r' and ended_at is null").get(); console.log(row);
  const cl = JSON.parse(readFileSync('/tmp/dev1/cluster.json')); const id = (kill === 'media' ? row.media_node : row.owner).split('@')[0]; const n = cl.nodes.find((x) => x.id === id);
  for (const p of pages) await p.evaluate(() => { window.max = 0; window.frames = 0; });
  console.log('KILL', n.id); process.kill(n.pid, 'SIGKILL');
  await Promise.all(pages.map((p) => p.waitForFunction(() => ev.some((x) => x.e === 'rebuilt'), null, { timeout: 20000 })));
  await new Promise((r) => setTimeout(r, 3000));
  for (const p of pages) console.log('gap', await p.evaluate(() => ({ max: window.max, frames: window.frames, paused: v.paused, tracks: v.srcObject.getTracks().map((t) => t.kind + t.readyState) })));
  await a.evaluate(() => s.signal({ type: 'chat', data: 'after' }));
}
await new Promise((r) => setTimeout(r, 300));
await b.close();
