import { api_key, is_abort, set_api_key, when_unauthorized } from './api/client';
import { fill, h } from './dom';
import { keep_stray_drops } from './parts/dropzone';
import { icon, type IconName } from './parts/icon';
import { announce, empty_state, live_regions, loading, problem_notice } from './parts/notice';
import { apply_theme, theme_switch } from './parts/theme';
import { parse_route, type Route } from './router';
import { open_session, type Session } from './session';
import { show_audit } from './views/audit';
import { show_compare } from './views/compare';
import { show_enrol } from './views/enrol';
import { show_galleries } from './views/galleries';
import { show_gallery } from './views/gallery';
import { show_imports } from './views/imports';
import { show_keys } from './views/keys';
import { show_person } from './views/person';
import { show_search } from './views/search';
import { show_server } from './views/server';
import { show_sign_in } from './views/sign_in';
import type { View } from './views/view';

interface Entry {
  name: string;
  title: string;
  icon: IconName;
  view: View;
  /** Shown to whom: everybody without one. */
  needs?: 'enrols' | 'admin';
}

const kEntries: Entry[] = [
  { name: 'search', title: 'Search', icon: 'search', view: show_search },
  { name: 'enrol', title: 'Enrol', icon: 'enrol', view: show_enrol, needs: 'enrols' },
  { name: 'imports', title: 'Import', icon: 'imports', view: show_imports, needs: 'enrols' },
  { name: 'compare', title: 'Compare', icon: 'compare', view: show_compare },
  { name: 'galleries', title: 'Galleries', icon: 'galleries', view: show_galleries },
  { name: 'keys', title: 'Keys', icon: 'keys', view: show_keys, needs: 'admin' },
  { name: 'audit', title: 'Audit log', icon: 'audit', view: show_audit, needs: 'admin' },
  { name: 'server', title: 'Server', icon: 'server', view: show_server },
];

const main = h('main', { id: 'main', tabindex: -1 });
const navigation = h('nav', { id: 'navigation', 'aria-label': 'Main' });
const foot = h('div', { class: 'side-foot' });
let session: Session | null = null;
let shown = new AbortController();

function view_of(route: Route): { entry: Entry; view: View } | null {
  const entry = kEntries.find((one) => one.name === (route.parts[0] ?? 'search'));
  if (!entry) return null;
  if (entry.name !== 'galleries' || route.parts.length < 2)
    return route.parts.length > 1 ? null : { entry, view: entry.view };
  if (route.parts.length === 2) return { entry, view: show_gallery };
  return route.parts.length === 4 && route.parts[2] === 'persons'
    ? { entry, view: show_person }
    : null;
}

function draw_navigation(current: Entry | null): void {
  const may = (entry: Entry): boolean => !entry.needs || (session?.[entry.needs] ?? false);
  const entries = session ? kEntries.filter(may) : [];
  fill(
    navigation,
    h(
      'ul',
      null,
      entries.map((entry) =>
        h(
          'li',
          null,
          h(
            'a',
            { href: `#/${entry.name}`, 'aria-current': entry === current ? 'page' : null },
            icon(entry.icon),
            entry.title,
          ),
        ),
      ),
    ),
  );
  const sign_out = h('button', { type: 'button', class: 'quiet', click: leave }, 'Sign out');
  const who =
    session && !session.open
      ? h('p', { class: 'hint' }, `Tenant ${session.tenant}, key may ${session.scope}`)
      : null;
  fill(foot, theme_switch(), who, session && api_key() ? sign_out : null);
}

function leave(): void {
  set_api_key(null);
  session = null;
  void start();
}

/** After a step to another view the focus is on its heading, so that a screen reader starts there. */
function arrive(first: boolean): void {
  const heading = main.querySelector('h1');
  const title = heading?.textContent ?? '';
  document.title = title ? `${title} – visavis` : 'visavis';
  window.scrollTo(0, 0);
  if (first) return;
  // A field or a dialog that the view itself gave the focus to keeps it.
  if (!document.querySelector('dialog[open]') && !main.contains(document.activeElement))
    heading?.focus();
  announce(title);
}

async function show(first = false): Promise<void> {
  if (!session) return;
  document.documentElement.dataset.scope = session.scope;
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const route = parse_route(location.hash);
  const found = view_of(route);
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  close_menu();
  draw_navigation(found?.entry ?? null);
  fill(main, loading(found?.entry.title ?? 'Page'));
  if (!found) {
    fill(
      main,
      h('h1', { tabindex: -1 }, 'No such page'),
      empty_state(
        'The address leads nowhere',
        'It may be from an older version of this page.',
        h('a', { class: 'button primary', href: '#/search' }, 'Go to the search'),
      ),
    );
    return arrive(first);
  }
  try {
    await found.view({ main, route, session, signal });
  } catch (error) {
    if (is_abort(error) || signal.aborted || !session) return;
    fill(
      main,
      h('h1', { tabindex: -1 }, found.entry.title),
      problem_notice(error, () => void show()),
    );
  }
  if (!signal.aborted) arrive(first);
}

function ask_for_key(): void {
  session = null;
  shown.abort();
  draw_navigation(null);
  show_sign_in(main, (opened) => {
    session = opened;
    void show();
  });
  document.title = 'Sign in – visavis';
}

async function start(): Promise<void> {
  fill(main, loading('visavis'));
  try {
    session = await open_session();
  } catch (error) {
    return fill(
      main,
      h('h1', { tabindex: -1 }, 'visavis'),
      problem_notice(error, () => void start()),
    );
  }
  if (session) await show(true);
  else ask_for_key();
}

const menu_button = h(
  'button',
  {
    type: 'button',
    class: 'menu quiet',
    'aria-controls': 'side',
    'aria-expanded': 'false',
    click: () => toggle_menu(),
  },
  icon('menu'),
  'Menu',
);
const side = h('div', { id: 'side', class: 'side' }, navigation, foot);

function toggle_menu(): void {
  const open = side.classList.toggle('open');
  menu_button.setAttribute('aria-expanded', String(open));
}
function close_menu(): void {
  side.classList.remove('open');
  menu_button.setAttribute('aria-expanded', 'false');
}

function draw_frame(): void {
  const skip = h(
    'a',
    {
      class: 'skip',
      href: '#main',
      click: (event: Event) => {
        event.preventDefault(); // the address names the view
        main.focus();
      },
    },
    'Skip to the content',
  );
  const brand = h(
    'a',
    { class: 'brand', href: '#/search' },
    h('img', { src: './favicon.svg', alt: '', width: 28, height: 28 }),
    'visavis',
  );
  const app = document.getElementById('app');
  if (app)
    fill(
      app,
      skip,
      h('header', { class: 'top' }, h('div', { class: 'top-inner' }, brand, menu_button, side)),
      main,
      live_regions(),
    );
}

apply_theme();
draw_frame();
keep_stray_drops();
when_unauthorized(() => {
  if (session) ask_for_key();
});
window.addEventListener('hashchange', () => void show());
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && side.classList.contains('open')) {
    close_menu();
    menu_button.focus();
  }
});
void start();
