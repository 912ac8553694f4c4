import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ChatMessage } from '../model/chat.ts';
import type { RoomModel } from '../model/room-model.ts';
import { clockTime } from './clock-time.ts';
import { SendIcon } from './icons.tsx';
import { Panel } from './panel.tsx';
import { useObservable } from './use-observable.ts';

export function ChatPanel({ room, tab, hidden }: { room: RoomModel; tab: boolean; hidden: boolean }): JSX.Element {
  const { chat, request } = room;
  useObservable(chat);
  const [text, setText] = useState('');
  const list = useRef<HTMLOListElement>(null);
  useLayoutEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [chat.messages, hidden]);
  const send = (): void => {
    const words = text.trim();
    if (!words) return;
    setText('');
    void chat.send(request?.name ?? '', words);
  };
  return (
    <Panel id="chat" title="Chat" tab={tab} hidden={hidden}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be scrolled by keyboard, too */}
      <ol class="messages" ref={list} aria-live="polite" aria-label="Messages" tabIndex={0}>
        {chat.messages.length === 0 && (
          <li class="empty">Messages that you write while the session recovers are sent afterwards.</li>
        )}
        {chat.messages.map((message) => (
          <Message key={message.id} message={message} again={() => void chat.sendAgain(message)} />
        ))}
      </ol>
      <form
        class="write"
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <input
          data-testid="chat-input"
          aria-label="Message"
          placeholder="Write a message"
          autocomplete="off"
          maxLength={2_000}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button class="button icon-only" type="submit" aria-label="Send" aria-disabled={text.trim() === ''}>
          <SendIcon />
        </button>
      </form>
    </Panel>
  );
}

function Message({ message, again }: { message: ChatMessage; again: () => void }): JSX.Element {
  const { own, author, at, text, status } = message;
  return (
    <li class="message" data-testid="chat-message" data-own={own} data-status={status}>
      <span class="from">
        <b>{own ? 'You' : author}</b>
        <time dateTime={new Date(at).toISOString()}>{clockTime(at)}</time>
        {status === 'sending' && <span class="sending">sending…</span>}
        {status === 'failed' && (
          <button class="link" type="button" onClick={again}>
            Not sent. Send again
          </button>
        )}
      </span>
      <span class="words">{text}</span>
    </li>
  );
}
