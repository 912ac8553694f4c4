import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ClusterModel } from '../model/cluster-model.ts';
import type { RoomModel } from '../model/room-model.ts';
import { ChatPanel } from './chat-panel.tsx';
import { ClusterPanel } from './cluster-panel.tsx';
import { type TabDetail, Tabs } from './tabs.tsx';
import { TimelinePanel } from './timeline-panel.tsx';
import { useMediaQuery } from './use-media-query.ts';
import { useObservable } from './use-observable.ts';

export type PanelId = 'cluster' | 'timeline' | 'chat';

/** The width from which all panels fit beside the pictures; panels.css has the same value. */
const WIDE = '(min-width: 1240px)';

export function Panels({ room, cluster }: { room: RoomModel; cluster: ClusterModel }): JSX.Element {
  useObservable(room.chat);
  const tabbed = !useMediaQuery(WIDE);
  const [selected, select] = useState<PanelId>('cluster');
  const [read, setRead] = useState(0);
  const written = room.chat.messages.length;
  const reading = !tabbed || selected === 'chat';
  useEffect(() => {
    if (reading) setRead(written);
  }, [reading, written]);

  const tabs: readonly TabDetail<PanelId>[] = [
    { id: 'cluster', label: 'Cluster' },
    { id: 'timeline', label: 'Timeline' },
    { id: 'chat', label: 'Chat', count: reading ? 0 : Math.max(0, written - read) },
  ];
  const place = (id: PanelId): { tab: boolean; hidden: boolean } => ({
    tab: tabbed,
    hidden: tabbed && selected !== id,
  });
  return (
    <aside class="panels" aria-label="About this room">
      {tabbed && <Tabs tabs={tabs} selected={selected} select={select} />}
      <ClusterPanel cluster={cluster} {...place('cluster')} />
      <TimelinePanel log={room.log} {...place('timeline')} />
      <ChatPanel room={room} {...place('chat')} />
    </aside>
  );
}
