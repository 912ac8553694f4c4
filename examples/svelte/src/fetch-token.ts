/** A new token from the application's server. The SDK calls it to join, and again after a crash of the session's owner. */
export async function fetchToken(room: string, name: string): Promise<string> {
  const answer = await fetch('/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room, name }),
  });
  // By the status, the SDK tells "try again" (503) from "give up" (400, 401, 403).
  if (!answer.ok) throw Object.assign(new Error(`The server answered ${answer.status}.`), { status: answer.status });
  const { token } = await answer.json();
  return token;
}
