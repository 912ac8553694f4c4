/**
 * A program in the style of OpenVidu 2 applications, against `openvidu-browser`'s types. It is compiled, not run:
 * with this SDK under that name (`npm run types`). It also compiles with openvidu-browser 2.32.2 itself.
 */
import {
  type Capabilities,
  Connection,
  ConnectionEvent,
  type ConnectionEventReason,
  ConnectionPropertyChangedEvent,
  type Device,
  Event,
  EventDispatcher,
  ExceptionEvent,
  ExceptionEventName,
  NetworkQualityLevelChangedEvent,
  OpenVidu,
  type OpenViduAdvancedConfiguration,
  OpenViduError,
  OpenViduErrorName,
  Publisher,
  type PublisherEventMap,
  type PublisherProperties,
  PublisherSpeakingEvent,
  RecordingEvent,
  Session,
  SessionDisconnectedEvent,
  type SessionEventMap,
  SignalEvent,
  type SignalOptions,
  SpeechToTextEvent,
  Stream,
  StreamEvent,
  type StreamEventReason,
  StreamManager,
  StreamManagerEvent,
  type StreamManagerEventMap,
  type StreamManagerVideo,
  StreamPropertyChangedEvent,
  type StreamPropertyChangedEventReason,
  Subscriber,
  type SubscriberProperties,
  TypeOfVideo,
  VideoElementEvent,
  VideoInsertMode,
} from 'openvidu-browser';

/* ── A service that holds the call, as an injectable of an Angular application ─────────────────────────────────── */

enum CallRole {
  Viewer = 'SUBSCRIBER',
  Speaker = 'PUBLISHER',
  Host = 'MODERATOR',
}

interface ClientMetadata {
  clientData: string;
  avatar?: string;
}

interface ChatLine {
  author: string;
  text: string;
  mine: boolean;
}

interface Tile {
  streamManager: StreamManager;
  nickname: string;
  audioActive: boolean;
  videoActive: boolean;
  shape: 'portrait' | 'landscape';
}

class TokenService {
  constructor(private readonly baseUrl: string) {}

  async getToken(sessionId: string, role: CallRole): Promise<string> {
    const response = await fetch(`${this.baseUrl}/sessions/${sessionId}/connections`, {
      method: 'POST',
      body: JSON.stringify({ role }),
    });
    return response.text();
  }
}

class CallService {
  private OV: OpenVidu;
  private OVForScreen!: OpenVidu;
  session: Session | undefined;
  screenSession: Session | undefined;
  publisher!: Publisher;
  screenPublisher: Publisher | null = null;
  subscribers: StreamManager[] = [];
  mainStreamManager: StreamManager | undefined = undefined;
  devices: Device[] = [];
  chat: ChatLine[] = [];
  tiles: Map<string, Tile> = new Map<string, Tile>();
  quality: { [connectionId: string]: number } = {};
  remoteConnections: Connection[] = [];
  private joined = false;

  constructor(private readonly tokens: TokenService) {
    this.OV = new OpenVidu();
    this.OV.enableProdMode();
    const configuration: OpenViduAdvancedConfiguration = {
      forceMediaReconnectionAfterNetworkDrop: true,
      iceServers: [{ urls: 'turn:turn.example.com:443', username: 'user', credential: 'secret' }],
      rtcConfiguration: { iceTransportPolicy: 'relay' },
      publisherSpeakingEventsOptions: { interval: 50, threshold: -45 },
      iceConnectionDisconnectedExceptionTimeout: 6000,
      noStreamPlayingEventExceptionTimeout: 8000,
    };
    this.OV.setAdvancedConfiguration(configuration);
    this.OV.setAdvancedConfiguration({ iceServers: 'freeice' });
  }

  async join(sessionId: string, nickname: string, role: CallRole): Promise<void> {
    if (!this.OV.checkSystemRequirements()) {
      throw new OpenViduError(OpenViduErrorName.BROWSER_NOT_SUPPORTED, 'This browser is too old');
    }
    this.session = this.OV.initSession();
    this.listen(this.session);
    const metadata: ClientMetadata = { clientData: nickname };
    try {
      const token = await this.tokens.getToken(sessionId, role);
      await this.session.connect(token, metadata);
      this.joined = true;
    } catch (error: any) {
      console.error('There was an error connecting to the session:', error.code, error.message);
      this.session = undefined;
      return;
    }
    const can: Capabilities = this.session.capabilities;
    if (can.publish) await this.publishCamera();
    if (can.forceDisconnect && can.forceUnpublish) console.log('You host this call');
  }

  private listen(session: Session): void {
    session
      .on('connectionCreated', (event: ConnectionEvent) => this.onConnection(event.connection))
      .on('connectionDestroyed', (event: ConnectionEvent) => {
        const reason: ConnectionEventReason = event.reason;
        this.remoteConnections = this.remoteConnections.filter((one) => one !== event.connection);
        if (reason === 'networkDisconnect') console.warn(`${event.connection.connectionId} lost its network`);
      })
      .on('streamCreated', (event: StreamEvent) => {
        const subscriber: Subscriber = session.subscribe(event.stream, undefined);
        this.subscribers.push(subscriber);
        this.addTile(subscriber);
      });

    session.on('streamDestroyed', (event: StreamEvent) => {
      event.preventDefault();
      const reason: StreamEventReason = event.reason;
      console.log(`Stream ${event.stream.streamId} destroyed because of ${reason}`, event.isDefaultPrevented());
      this.deleteSubscriber(event.stream.streamManager);
    });

    session.on('sessionDisconnected', (event: SessionDisconnectedEvent) => {
      if (event.reason === 'networkDisconnect' || event.reason === 'nodeCrashed') this.rejoinLater();
      else if (event.reason === 'forceDisconnectByServer') alert('You were expelled');
      this.joined = false;
    });

    session.on('streamPropertyChanged', (event: StreamPropertyChangedEvent) => {
      const tile = this.tiles.get(event.stream.streamId);
      const reason: StreamPropertyChangedEventReason = event.reason;
      if (!tile) return;
      switch (event.changedProperty) {
        case 'audioActive':
          tile.audioActive = event.newValue as boolean;
          break;
        case 'videoActive':
          tile.videoActive = <boolean>event.newValue;
          break;
        case 'videoDimensions': {
          const { width, height } = event.newValue as { width: number; height: number };
          tile.shape = width < height ? 'portrait' : 'landscape';
          break;
        }
        case 'videoTrack':
          console.log((event.newValue as any).label, 'replaced', event.oldValue);
          break;
        case 'filter':
          break;
      }
      if (reason === 'deviceRotated' || reason === 'screenResized') this.layout(event.target as Session);
    });

    session.on('signal:chat', (event: SignalEvent) => {
      const from: Connection | undefined = event.from;
      if (!from) return;
      const { clientData } = JSON.parse(from.data) as ClientMetadata;
      const { text } = JSON.parse(event.data!) as { text: string };
      this.chat.push({ author: clientData, text, mine: from.connectionId === session.connection.connectionId });
    });
    session.on('signal', (event) => console.log(event.type.replace('signal:', ''), event.data));
    session.once('signal:hello', ({ from }) => console.log('First hello of', from?.data));

    session.on('publisherStartSpeaking', (event: PublisherSpeakingEvent) => {
      console.log(`Publisher ${event.connection.connectionId} start speaking in ${event.streamId}`);
      this.mainStreamManager = this.subscribers.find((one) => one.stream.connection === event.connection);
    });
    session.on('publisherStopSpeaking', (event: PublisherSpeakingEvent) => console.log(event.connection.creationTime));
    session.on('networkQualityLevelChanged', (event: NetworkQualityLevelChangedEvent) => {
      if (event.newValue < event.oldValue && event.newValue <= 2) console.warn('Poor network');
      this.quality[event.connection.connectionId] = event.newValue;
    });
    session.on('connectionPropertyChanged', (event: ConnectionPropertyChangedEvent) => {
      if (event.changedProperty === 'role') console.log(`Now ${event.newValue}, was ${event.oldValue}`);
      if (event.changedProperty === 'record') console.log(event.newValue as boolean);
    });
    session.on('reconnecting', () => console.warn('Oops! Trying to reconnect to the session'));
    session.on('reconnected', () => console.log('Hurray! You successfully reconnected to the session'));
    session.on('recordingStarted', (event: RecordingEvent) => console.log(event.id, event.name));
    session.on('recordingStopped', (event: RecordingEvent) => console.log(event.reason));
    session.on('speechToTextMessage', (event: SpeechToTextEvent) => console.log(event.text, event.lang));
    session.on('exception', (exception: any) => console.warn(exception));
    session.on('exception', (event: ExceptionEvent) => {
      switch (event.name) {
        case ExceptionEventName.ICE_CONNECTION_FAILED:
          console.warn((event.origin as Stream).streamId, 'has lost its media');
          break;
        case ExceptionEventName.ICE_CONNECTION_DISCONNECTED:
          break;
        case ExceptionEventName.NO_STREAM_PLAYING_EVENT:
          console.warn((event.origin as Subscriber).stream.streamId, event.message, event.data);
          break;
        case ExceptionEventName.ICE_CANDIDATE_ERROR:
          console.error(event.target as Session);
          break;
      }
    });
  }

  private onConnection(connection: Connection): void {
    if (connection.connectionId === this.session!.connection.connectionId) return;
    this.remoteConnections.push(connection);
    const role: string = connection.role;
    if (role === CallRole.Host) console.log(connection.data, 'hosts', new Date(connection.creationTime));
    const stream: Stream | undefined = connection.stream;
    if (stream?.hasVideo) console.log('and sends already');
  }

  private async publishCamera(): Promise<void> {
    this.devices = await this.OV.getDevices();
    const cameras = this.devices.filter((device: Device) => device.kind === 'videoinput');
    const properties: PublisherProperties = {
      audioSource: undefined,
      videoSource: cameras[0]?.deviceId,
      publishAudio: true,
      publishVideo: true,
      resolution: '640x480',
      frameRate: 30,
      insertMode: VideoInsertMode.APPEND,
      mirror: false,
      videoSimulcast: false,
    };
    this.publisher = this.OV.initPublisher(undefined, properties, (error) => {
      if (error) console.error('No camera', error.name, error.message);
    });
    this.publisher.once('accessAllowed', () => console.log('allowed', this.publisher.accessAllowed));
    this.publisher.once('accessDenied', (error: any) => this.explain(error));
    this.publisher.on('accessDialogOpened', () => console.log('Allow, please'));
    this.publisher.on('accessDialogClosed', () => console.log('Thank you'));
    this.publisher.on('streamCreated', (event: StreamEvent) => console.log('We send', event.stream.streamId));
    this.publisher.on('streamDestroyed', (event: StreamEvent) => {
      if (event.reason === 'forceUnpublishByUser') alert('A host has ended your stream');
    });
    this.publisher.on('streamAudioVolumeChange', (event: StreamManagerEvent) => {
      const { newValue, oldValue } = event.value as { newValue: number; oldValue: number };
      console.log('Volume', newValue, oldValue);
    });
    await this.session!.publish(this.publisher);
    this.mainStreamManager = this.publisher;
  }

  private explain(error: OpenViduError): void {
    const texts: Partial<Record<OpenViduErrorName, string>> = {
      [OpenViduErrorName.DEVICE_ACCESS_DENIED]: 'Allow the camera',
      [OpenViduErrorName.DEVICE_ALREADY_IN_USE]: 'Close the other program',
      [OpenViduErrorName.INPUT_AUDIO_DEVICE_NOT_FOUND]: 'No microphone',
      [OpenViduErrorName.INPUT_VIDEO_DEVICE_NOT_FOUND]: 'No camera',
      [OpenViduErrorName.NO_INPUT_SOURCE_SET]: 'Nothing to send',
      [OpenViduErrorName.OPENVIDU_PERMISSION_DENIED]: 'You may not',
    };
    console.error(texts[error.name] ?? error.message);
  }

  async toggleScreen(): Promise<void> {
    if (!this.OV.checkScreenSharingCapabilities()) return;
    if (this.screenPublisher) {
      await this.screenSession?.unpublish(this.screenPublisher);
      this.screenSession?.disconnect();
      this.screenPublisher = null;
      return;
    }
    this.OVForScreen = new OpenVidu();
    this.screenSession = this.OVForScreen.initSession();
    const token = await this.tokens.getToken(this.session!.sessionId, CallRole.Speaker);
    await this.screenSession.connect(token, { clientData: 'screen' });
    try {
      this.screenPublisher = await this.OVForScreen.initPublisherAsync(undefined, {
        videoSource: 'screen',
        audioSource: false,
        publishVideo: true,
      });
    } catch (error) {
      const name = (error as OpenViduError).name;
      if (name === OpenViduErrorName.SCREEN_SHARING_NOT_SUPPORTED) alert('Your browser does not support it');
      else if (name === OpenViduErrorName.SCREEN_EXTENSION_NOT_INSTALLED) alert('An extension is missing');
      else if (name === OpenViduErrorName.SCREEN_CAPTURE_DENIED) alert('You need to choose a window or application');
      return;
    }
    const [track] = this.screenPublisher.stream.getMediaStream().getVideoTracks();
    track.addEventListener('ended', () => this.toggleScreen());
    await this.screenSession.publish(this.screenPublisher);
  }

  async switchCamera(deviceId: string): Promise<void> {
    const media: MediaStream = await this.OV.getUserMedia({ audioSource: false, videoSource: deviceId });
    const track: MediaStreamTrack = media.getVideoTracks()[0];
    await this.publisher.replaceTrack(track).catch((error: any) => console.error('Error replacing track', error));
  }

  async toggleCamera(): Promise<void> {
    const enabled = !this.publisher.stream.videoActive;
    this.publisher.publishAudio(enabled);
    await this.publisher.publishVideo(enabled);
    await this.publisher.publishVideo(false, true);
    await this.publisher.publishVideo(true, new MediaStreamTrack());
  }

  send(text: string, to?: Connection): Promise<void> {
    const signal: SignalOptions = { data: JSON.stringify({ text }), type: 'chat', to: to ? [to] : [] };
    return this.session!.signal(signal).catch((error: any) => console.error(error));
  }

  expel(connection: Connection): Promise<void> {
    return this.session!.forceDisconnect(connection);
  }

  silence(streamManager: StreamManager): Promise<void> {
    if (streamManager.remote && streamManager.stream.typeOfVideo === TypeOfVideo.CAMERA) {
      return this.session!.forceUnpublish(streamManager.stream);
    }
    return Promise.resolve();
  }

  leave(): void {
    this.session?.off('signal:chat');
    this.session?.streamManagers.forEach((streamManager: StreamManager) => {
      if (streamManager instanceof Subscriber) this.session?.unsubscribe(streamManager);
    });
    this.session?.disconnect();
    this.session = undefined;
    this.subscribers = [];
    delete (this as any).mainStreamManager;
  }

  private addTile(streamManager: StreamManager): void {
    const stream: Stream = streamManager.stream;
    this.tiles.set(stream.streamId, {
      streamManager,
      nickname: nicknameOf(stream.connection),
      audioActive: stream.hasAudio && stream.audioActive,
      videoActive: stream.hasVideo && stream.videoActive,
      shape: stream.videoDimensions.width < stream.videoDimensions.height ? 'portrait' : 'landscape',
    });
  }

  private deleteSubscriber(streamManager: StreamManager): void {
    const index = this.subscribers.indexOf(streamManager, 0);
    if (index > -1) this.subscribers.splice(index, 1);
    this.tiles.delete(streamManager.stream.streamId);
  }

  private layout(session: Session): void {
    for (const { id, videos } of session.streamManagers) console.log(id, videos.length);
  }

  private rejoinLater(): void {
    setTimeout(() => this.joined || location.reload(), 1000);
  }
}

function nicknameOf(connection: Connection): string {
  const [client] = connection.data.split('%/%');
  return (JSON.parse(client) as ClientMetadata).clientData;
}

/* ── A component that shows a stream, as in React ──────────────────────────────────────────────────────────────── */

interface VideoProps {
  streamManager: StreamManager;
  muted?: boolean;
}

class VideoComponent {
  private readonly videoRef: { current: HTMLVideoElement | null } = { current: null };

  constructor(private props: VideoProps) {}

  componentDidMount(): void {
    const { streamManager } = this.props;
    if (streamManager && this.videoRef.current) {
      const moved: number = streamManager.addVideoElement(this.videoRef.current);
      if (moved === -1) console.log('taken from another');
    }
    streamManager.on('streamPlaying', (event: StreamManagerEvent) => {
      (event.target as StreamManager).videos[0].video.parentElement?.classList.remove('loading');
    });
  }

  componentDidUpdate(props: VideoProps): void {
    this.props = props;
    if (this.props && this.videoRef.current) this.props.streamManager.addVideoElement(this.videoRef.current);
  }

  componentWillUnmount(): void {
    this.props.streamManager.off('streamPlaying');
  }
}

/* ── A plain page, with callbacks and promises ─────────────────────────────────────────────────────────────────── */

let OV: OpenVidu;
let session: Session;
let subscriberProperties: SubscriberProperties = { insertMode: 'APPEND', subscribeToAudio: true };

export function joinSession(token: string, target: HTMLElement): void {
  OV = new OpenVidu();
  session = OV.initSession();
  session.on('streamCreated', (event) => {
    const subscriber = session.subscribe(event.stream, 'video-container', subscriberProperties, (error) => {
      if (error) console.error(error);
    });
    session.subscribe(event.stream, target, (error: Error | undefined) => console.log(error?.message));
    subscriber.on('videoElementCreated', (event: VideoElementEvent) => appendUserData(event.element, subscriber));
    subscriber.once('videoElementDestroyed', (event: VideoElementEvent) => event.element.remove());
    subscriber.subscribeToAudio(false).subscribeToVideo(true);
    session.subscribeAsync(event.stream, target, { subscribeToVideo: false }).then((late: Subscriber) => late.id);
  });
  session
    .connect(token)
    .then(() => {
      const options = { insertMode: 'PREPEND', mirror: true, audioSource: undefined, videoSource: undefined };
      const publisher: Publisher = OV.initPublisher('video-container', options);
      const bare = OV.initPublisher(target);
      const called = OV.initPublisher('other', (error: Error | undefined) => console.log(error));
      publisher.on('videoElementCreated', (event: VideoElementEvent) => {
        event.element['muted'] = true;
      });
      publisher.updatePublisherSpeakingEventsOptions({ interval: 20, threshold: -60 });
      const video: HTMLVideoElement = publisher.createVideoElement('elsewhere', VideoInsertMode.REPLACE);
      video.controls = false;
      publisher.targetElement.classList.add('mine');
      const shown: StreamManagerVideo[] = publisher.videos;
      console.log(shown.map(({ id, video, targetElement, insertMode }) => [id, video, targetElement, insertMode]));
      const peer: RTCPeerConnection = publisher.stream.getRTCPeerConnection();
      peer?.getStats().then((report) => console.log(report.size, publisher.stream.frameRate));
      return Promise.all([session.publish(publisher), session.publish(bare), session.publish(called)]);
    })
    .catch((error) => console.log('There was an error connecting to the session:', error.code, error.message));
}

function appendUserData(videoElement: HTMLVideoElement, subscriber: Subscriber): void {
  const dataNode = document.createElement('div');
  const connection = subscriber.stream.connection;
  dataNode.id = `data-${connection.connectionId}`;
  dataNode.innerHTML = `<p>${nicknameOf(connection)}</p>`;
  videoElement.parentNode!.insertBefore(dataNode, videoElement.nextSibling);
}

/* ── Helpers over the types themselves ─────────────────────────────────────────────────────────────────────────── */

type NamesOfSession = keyof SessionEventMap;
type NamesOfManager = keyof StreamManagerEventMap;
type NamesOfPublisher = keyof PublisherEventMap;

const sessionNames: NamesOfSession[] = ['streamCreated', 'signal:chat', 'exception', 'broadcastStarted'];
const managerNames: NamesOfManager[] = ['streamPlaying', 'streamAudioVolumeChange'];
const publisherNames: NamesOfPublisher[] = ['accessAllowed', 'accessDenied'];

function describe(event: Event): string {
  return `${event.type}${event.cancelable ? ' (cancelable)' : ''} of ${String(event.target)}`;
}

function isDispatcher(one: unknown): one is EventDispatcher {
  return one instanceof EventDispatcher;
}

function show(kind: keyof typeof TypeOfVideo | undefined, mode: VideoInsertMode, place: string): string {
  return `${kind} ${mode} ${place} ${VideoInsertMode.AFTER} ${VideoInsertMode.BEFORE}`;
}

const service = new CallService(new TokenService('/api'));
const component = new VideoComponent({ streamManager: service.publisher });
component.componentDidMount();
component.componentDidUpdate({ streamManager: service.subscribers[0] });
component.componentWillUnmount();
subscriberProperties = { insertMode: VideoInsertMode.AFTER };
service.publisher.on('streamCreated', (event: StreamEvent) => console.log(describe(event)));
console.log(
  sessionNames,
  managerNames,
  publisherNames,
  isDispatcher(service.session),
  show('SCREEN', VideoInsertMode.APPEND, ''),
);
service.join('room', 'Ann', CallRole.Speaker).then(() => service.send('Hello'));
service.toggleScreen().then(() => service.toggleCamera());
service.switchCamera('other').then(() => service.leave());
service.expel(service.remoteConnections[0]).then(() => service.silence(service.subscribers[0]));
