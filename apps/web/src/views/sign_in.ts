import { set_api_key } from '../api/client';
import { fill, h } from '../dom';
import { text_field } from '../parts/fields';
import { notice, problem_notice } from '../parts/notice';
import { open_session, type Session } from '../session';

/** Asks for a key until one opens the server. */
export function show_sign_in(main: HTMLElement, signed_in: (session: Session) => void): void {
  const key = text_field(
    'API key',
    { type: 'password', required: true, autocomplete: 'current-password', spellcheck: 'false' },
    'It is kept until this tab is closed, nowhere else. The server printed the first key when it started for the first time.',
  );
  const problems = h('div');
  const button = h('button', { type: 'submit', class: 'primary' }, 'Sign in');
  const enter = async (): Promise<void> => {
    fill(problems);
    button.disabled = true;
    try {
      set_api_key(key.input.value.trim());
      const session = await open_session();
      if (session) return signed_in(session);
      const refusal = notice(
        'bad',
        'This key does not open the server',
        h(
          'p',
          null,
          'Check for a missing character; a key that was removed or has expired opens nothing.',
        ),
      );
      refusal.setAttribute('role', 'alert');
      fill(problems, refusal);
      key.input.focus();
      key.input.select();
    } catch (error) {
      fill(problems, problem_notice(error));
    } finally {
      button.disabled = false;
    }
  };
  const form = h(
    'form',
    {
      class: 'stack',
      submit: (event: Event) => {
        event.preventDefault();
        void enter();
      },
    },
    key.row,
    problems,
    h('div', { class: 'actions' }, button),
  );
  fill(
    main,
    h(
      'div',
      { class: 'narrow' },
      h('h1', { tabindex: -1 }, 'Sign in'),
      h(
        'p',
        { class: 'lead' },
        'visavis finds faces in photographs and says who it is, or unknown.',
      ),
      h('div', { class: 'card' }, form),
    ),
  );
  key.input.focus();
}
