import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  // `npm run dev` serves the page only; the tokens come from the server in ../express.
  server: { proxy: { '/token': 'http://localhost:3000' } },
});
