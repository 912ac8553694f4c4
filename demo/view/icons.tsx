import type { ComponentChildren, JSX } from 'preact';

/** An icon of 24 by 24, in the colour of the adjacent text. */
function Icon({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

export const LogoIcon = (): JSX.Element => (
  <svg class="logo" viewBox="0 0 32 32" fill="none" stroke-width="3.6" stroke-linecap="round" aria-hidden="true">
    <path d="M26.2 12.2A11 11 0 1 0 27 16" stroke="var(--accent)" />
    <path d="M27.4 5.2v7.2h-7.2" stroke="var(--accent)" stroke-linejoin="round" />
    <circle cx="16" cy="16" r="3.4" fill="var(--good)" />
  </svg>
);

export const MicIcon = (): JSX.Element => (
  <Icon>
    <rect x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21" />
  </Icon>
);

export const MicOffIcon = (): JSX.Element => (
  <Icon>
    <path d="M9 9v2a3 3 0 0 0 4.6 2.5M15 11V6a3 3 0 0 0-5.9-.8M5.5 11a6.5 6.5 0 0 0 10.2 5.3M18.5 11c0 .8-.1 1.5-.4 2.2M12 17.5V21M4 4l16 16" />
  </Icon>
);

export const CameraIcon = (): JSX.Element => (
  <Icon>
    <rect x="3" y="6.5" width="12.5" height="11" rx="2.5" />
    <path d="m15.5 10.5 5.5-3v9l-5.5-3" />
  </Icon>
);

export const CameraOffIcon = (): JSX.Element => (
  <Icon>
    <path d="M9.5 6.5H13a2.5 2.5 0 0 1 2.5 2.5v1.5l5.5-3v9l-3.2-1.7M15 15.8A2.5 2.5 0 0 1 13 17.5H5.5A2.5 2.5 0 0 1 3 15V9a2.5 2.5 0 0 1 2-2.4M3.5 3.5l17 17" />
  </Icon>
);

export const LeaveIcon = (): JSX.Element => (
  <Icon>
    <path d="M14 4H7a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h7M10.5 12H21M17.5 8.5 21 12l-3.5 3.5" />
  </Icon>
);

export const LinkIcon = (): JSX.Element => (
  <Icon>
    <path d="M10 13.5a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10.5a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1" />
  </Icon>
);

export const CheckIcon = (): JSX.Element => (
  <Icon>
    <path d="m5 12.5 4.5 4.5L19 7.5" />
  </Icon>
);

export const SendIcon = (): JSX.Element => (
  <Icon>
    <path d="M4.5 12 4 4.5 20.5 12 4 19.5 4.5 12Zm0 0H12" />
  </Icon>
);

export const NewTabIcon = (): JSX.Element => (
  <Icon>
    <path d="M13 5H6.5A1.5 1.5 0 0 0 5 6.5v11A1.5 1.5 0 0 0 6.5 19h11a1.5 1.5 0 0 0 1.5-1.5V11M12 12l7.5-7.5M15 4.5h4.5V9" />
  </Icon>
);

export const KillIcon = (): JSX.Element => (
  <Icon>
    <path d="M13 3 5.5 13.5H11L10 21l8-11h-5.5L13 3Z" />
  </Icon>
);

export const CloseIcon = (): JSX.Element => (
  <Icon>
    <path d="m6 6 12 12M18 6 6 18" />
  </Icon>
);

const BalancerIcon = (): JSX.Element => (
  <Icon>
    <path d="M12 4v5M12 9c0 4-6 3-6 8M12 9c0 4 6 3 6 8M3.5 15 6 17.5 8.5 15M15.5 15l2.5 2.5 2.5-2.5" />
  </Icon>
);

const MasterIcon = (): JSX.Element => (
  <Icon>
    <rect x="6.5" y="6.5" width="11" height="11" rx="2" />
    <path d="M10 3v3.5M14 3v3.5M10 17.5V21M14 17.5V21M3 10h3.5M3 14h3.5M17.5 10H21M17.5 14H21" />
  </Icon>
);

const MediaIcon = (): JSX.Element => (
  <Icon>
    <path d="M3 12h3l2.5-7 4 14 3-10 1.7 3H21" />
  </Icon>
);

export const ROLE_ICONS = { balancer: BalancerIcon, master: MasterIcon, 'media-node': MediaIcon } as const;
