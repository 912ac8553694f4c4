/**
 * A call as OpenVidu's applications in Vue write it, for Vue 2 and 3: `callApp(makeState)` returns the root's
 * options.
 */
const PARAMETERS = new URLSearchParams(location.search);

function post(path, body) {
  return fetch(PARAMETERS.get('server') + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  }).then((response) => {
    if (!response.ok) throw new Error(response.status);
    return response.text();
  });
}

const UserVideo = {
  props: ['streamManager'],
  computed: {
    name() {
      return JSON.parse(this.streamManager.stream.connection.data).clientData;
    },
  },
  mounted() {
    this.streamManager.addVideoElement(this.$refs.video);
  },
  template: `
    <div :data-name="name">
      <video ref="video"></video>
      <span class="sound">{{ streamManager.stream.audioActive ? 'on' : 'muted' }}</span>
      <span class="picture">{{ streamManager.stream.videoActive ? 'on' : 'off' }}</span>
    </div>`,
};

function callApp(makeState) {
  return {
    components: { UserVideo },
    data: () => ({ call: makeState({ OV: undefined, session: undefined, publisher: undefined, subscribers: [] }) }),
    methods: {
      async join() {
        this.call.OV = new OpenVidu();
        this.call.session = this.call.OV.initSession();
        this.call.session.on('streamCreated', ({ stream }) => {
          this.call.subscribers.push(this.call.session.subscribe(stream, undefined));
        });
        this.call.session.on('streamDestroyed', ({ stream }) => {
          const at = this.call.subscribers.indexOf(stream.streamManager, 0);
          if (at >= 0) this.call.subscribers.splice(at, 1);
        });
        const id = await post('api/sessions', { customSessionId: PARAMETERS.get('session') });
        const token = await post(`api/sessions/${id}/connections`, {});
        await this.call.session.connect(token, { clientData: PARAMETERS.get('name') });
        const publisher = this.call.OV.initPublisher(undefined, { audioSource: undefined, publishAudio: true });
        this.call.publisher = publisher;
        // Not awaited: the tile is rendered, and reads `stream.connection.data`, before the server's answer.
        this.call.session.publish(this.call.publisher);
      },
      leave() {
        this.call.session.disconnect();
        this.call.session = this.call.publisher = this.call.OV = undefined;
        this.call.subscribers = [];
      },
    },
    template: `
      <div>
        <button @click="join">Join</button>
        <button @click="leave">Leave</button>
        <template v-if="call.session">
          <button v-if="call.publisher" @click="call.publisher.publishAudio(!call.publisher.stream.audioActive)">Sound</button>
          <div id="own"><user-video v-if="call.publisher" :stream-manager="call.publisher"></user-video></div>
          <div id="others">
            <user-video v-for="one in call.subscribers" :key="one.stream.connection.connectionId" :stream-manager="one">
            </user-video>
          </div>
        </template>
      </div>`,
  };
}
