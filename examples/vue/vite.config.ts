import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [vue()],
  // `npm run dev` serves the page only; the tokens come from the server in ../express.
  server: { proxy: { '/token': 'http://localhost:3000' } },
});
