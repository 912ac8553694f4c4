import type { ComponentChildren, JSX } from 'preact';
import type { RoomModel } from '../model/room-model.ts';
import { CopyLinkButton } from './copy-link-button.tsx';
import { CameraIcon, CameraOffIcon, LeaveIcon, MicIcon, MicOffIcon } from './icons.tsx';

export function Controls({ room }: { room: RoomModel }): JSX.Element {
  const { active, opening } = room.media;
  return (
    <section class="controls" aria-label="Call">
      <Toggle
        label={active.audio ? 'Mute microphone' : 'Unmute microphone'}
        letter="M"
        on={active.audio}
        busy={opening}
        testId="mic-button"
        toggle={() => void room.toggle('audio')}
      >
        {active.audio ? <MicIcon /> : <MicOffIcon />}
      </Toggle>
      <Toggle
        label={active.video ? 'Turn camera off' : 'Turn camera on'}
        letter="V"
        on={active.video}
        busy={opening}
        testId="camera-button"
        toggle={() => void room.toggle('video')}
      >
        {active.video ? <CameraIcon /> : <CameraOffIcon />}
      </Toggle>
      {room.request && <CopyLinkButton room={room.request.room} />}
      <button class="control leave" type="button" data-testid="leave-button" onClick={() => room.leave()}>
        <LeaveIcon />
        <span>Leave</span>
      </button>
    </section>
  );
}

function Toggle({
  label,
  letter,
  on,
  busy,
  testId,
  toggle,
  children,
}: {
  label: string;
  letter: string;
  on: boolean;
  busy: boolean;
  testId: string;
  toggle: () => void;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <button
      class={on ? 'control' : 'control off'}
      type="button"
      aria-label={label}
      aria-keyshortcuts={letter}
      title={`${label} (${letter})`}
      data-testid={testId}
      data-on={on}
      aria-disabled={busy}
      onClick={() => !busy && toggle()}
    >
      {children}
    </button>
  );
}
