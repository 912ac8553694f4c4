import { useState } from 'react';
import { CallView } from './call-view.tsx';

interface Ticket {
  readonly room: string;
  readonly name: string;
}

export function App() {
  const [ticket, setTicket] = useState<Ticket>();
  if (ticket) return <CallView {...ticket} onLeave={() => setTicket(undefined)} />;

  const join = (form: FormData) => setTicket({ room: String(form.get('room')), name: String(form.get('name')) });
  return (
    <form className="controls" action={join}>
      <label>
        Your name <input name="name" required maxLength={100} />
      </label>
      <label>
        Room <input name="room" required pattern="[A-Za-z0-9_\-]{1,128}" defaultValue="lobby" />
      </label>
      <button type="submit">Join</button>
    </form>
  );
}
