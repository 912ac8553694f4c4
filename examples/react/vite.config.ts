import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  // `npm run dev` serves the page only; the tokens come from the server in ../express.
  server: { proxy: { '/token': 'http://localhost:3000' } },
});
