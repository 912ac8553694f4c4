import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type PageOptions, rememberName } from '../model/page-options.ts';
import type { JoinRequest, RoomModel } from '../model/room-model.ts';
import { CameraIcon, CameraOffIcon, MicIcon, MicOffIcon } from './icons.tsx';
import { PhoneInvitation } from './phone-invitation.tsx';
import { ProblemCard } from './problem-card.tsx';
import { Switch } from './switch.tsx';

/** The form that joins a room. */
export function JoinForm({ room, options }: { room: RoomModel; options: PageOptions }): JSX.Element {
  const last = room.request;
  const [roomName, setRoomName] = useState(last?.room ?? options.room);
  const [name, setName] = useState(last?.name ?? options.name);
  const [audio, setAudio] = useState(last?.audio ?? true);
  const [video, setVideo] = useState(last?.video ?? true);
  const [automatic, setAutomatic] = useState(last?.automatic ?? options.automatic);
  const busy = room.state === 'joining';

  const join = (media: Pick<JoinRequest, 'audio' | 'video'>): void => {
    room.media.dismissProblem();
    const request = { room: roomName.trim(), name: name.trim() || options.name, automatic, ...media };
    rememberName(request.name);
    void room.join(request);
  };
  const joinWith = (media: Pick<JoinRequest, 'audio' | 'video'>): void => {
    setAudio(media.audio);
    setVideo(media.video);
    join(media);
  };

  /** The devices without the failed one, as far as it is known. */
  const rest = room.media.problem?.name.startsWith('INPUT_AUDIO')
    ? { audio: false, video: true }
    : { audio: true, video: false };
  const button = useRef<HTMLButtonElement>(null);
  // After leaving a room the focused element is gone, so focus the button.
  useEffect(() => {
    if (last) button.current?.focus();
  }, []);

  return (
    <main class="join">
      <div class="pitch">
        <h1>Video that outlives the machines that serve it</h1>
        <p>
          Join a room, open it in a second tab, then kill the node that owns it. The picture continues, and the session
          recovers by itself.
        </p>
        <PhoneInvitation />
      </div>
      <form
        class="join-form card"
        data-testid="join-form"
        aria-busy={busy}
        onSubmit={(event) => {
          event.preventDefault();
          join({ audio, video });
        }}
      >
        <label class="field">
          <span>Room</span>
          <input
            data-testid="room-input"
            name="room"
            required
            maxLength={128}
            pattern="\s*[a-zA-Z0-9_\-]+\s*"
            title="Letters, digits, “-” and “_”"
            autocomplete="off"
            spellcheck={false}
            value={roomName}
            onInput={(event) => setRoomName(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Your name</span>
          <input
            data-testid="name-input"
            name="name"
            maxLength={40}
            autocomplete="nickname"
            placeholder={options.name}
            value={name}
            onFocus={(event) => event.currentTarget.select()}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <fieldset class="devices">
          <legend>Join with</legend>
          <DeviceChoice label="Camera" on={video} change={setVideo} icons={[CameraIcon, CameraOffIcon]} />
          <DeviceChoice label="Microphone" on={audio} change={setAudio} icons={[MicIcon, MicOffIcon]} />
        </fieldset>
        <Switch
          label="Bring the session back automatically"
          hint={
            automatic
              ? 'The page gives the SDK a token provider: after a crash it gets a new token and rebuilds the session.'
              : 'The page gives the SDK one token: after a crash the page offers to join again.'
          }
          on={automatic}
          change={setAutomatic}
        />
        <button ref={button} class="button primary large" type="submit" data-testid="join-button" aria-disabled={busy}>
          {busy && <span class="spinner" />}
          {joinLabel(busy, room.media.opening)}
        </button>
        {room.media.problem && (
          <ProblemCard title="Camera or microphone cannot be used" problem={room.media.problem}>
            {audio && video && (
              <button class="button" type="button" aria-disabled={busy} onClick={() => joinWith(rest)}>
                {rest.audio ? 'Join without camera' : 'Join without microphone'}
              </button>
            )}
            <button
              class="button"
              type="button"
              aria-disabled={busy}
              onClick={() => joinWith({ audio: false, video: false })}
            >
              Join with neither
            </button>
            <button class="button quiet" type="button" aria-disabled={busy} onClick={() => join({ audio, video })}>
              Try again
            </button>
          </ProblemCard>
        )}
        {room.problem && <ProblemCard title="The room cannot be joined" problem={room.problem} />}
      </form>
    </main>
  );
}

function joinLabel(busy: boolean, opening: boolean): string {
  if (!busy) return 'Join room';
  return opening ? 'Opening camera…' : 'Joining…';
}

function DeviceChoice({
  label,
  on,
  change,
  icons: [OnIcon, OffIcon],
}: {
  label: string;
  on: boolean;
  change: (on: boolean) => void;
  icons: readonly [() => JSX.Element, () => JSX.Element];
}): JSX.Element {
  return (
    <button class="device" type="button" aria-pressed={on} onClick={() => change(!on)}>
      {on ? <OnIcon /> : <OffIcon />}
      <span>{label}</span>
      <b>{on ? 'On' : 'Off'}</b>
    </button>
  );
}
