import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The page's policy forbids inline scripts and foreign hosts, so everything is a file of our own.
export default defineConfig({
  plugins: [react()],
  build: { target: 'es2023', modulePreload: { polyfill: false }, chunkSizeWarningLimit: 700 },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});
