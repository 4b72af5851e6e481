import { defineConfig } from 'vite';

// What the server's content security policy allows: no inline script, no data: module, own files only.
export default defineConfig({
  base: './',
  build: {
    target: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
  server: { host: '127.0.0.1', port: 23000 },
});
