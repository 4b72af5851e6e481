import { is_abort } from '../api/client';
import { type Child, fill, fresh_id, h } from '../dom';
import { icon } from './icon';
import { problem_notice } from './notice';

export interface Dialog {
  element: HTMLDialogElement;
  body: HTMLElement;
  close: () => void;
  /** Resolved when it has closed, whichever way. */
  closed: Promise<void>;
}

/** A modal: Escape and the cross close it, the focus goes back to where it was. */
export function open_dialog(title: string, ...content: Child[]): Dialog {
  const id = fresh_id('dialog');
  const before = document.activeElement;
  const body = h('div', { class: 'dialog-body' }, content);
  const element = h(
    'dialog',
    { 'aria-labelledby': id },
    h(
      'div',
      { class: 'dialog-head' },
      h('h2', { id }, title),
      h(
        'button',
        {
          type: 'button',
          class: 'quiet square',
          'aria-label': 'Close',
          click: () => element.close(),
        },
        icon('close'),
      ),
    ),
    body,
  );
  document.body.append(element);
  const closed = new Promise<void>((resolve) =>
    element.addEventListener('close', () => {
      element.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      resolve();
    }),
  );
  element.showModal();
  body.querySelector<HTMLElement>('input, select, textarea')?.focus();
  return { element, body, close: () => element.close(), closed };
}

interface FormDialog<T> {
  title: string;
  fields: Child[];
  action: string;
  danger?: boolean;
  /** Its result closes the dialog; its error is shown in it. */
  submit: () => Promise<T>;
}

/** Null when it was closed without its action. */
export async function form_dialog<T>(wanted: FormDialog<T>): Promise<T | null> {
  let result: T | null = null;
  const problems = h('div');
  const action = h(
    'button',
    { type: 'submit', class: wanted.danger ? 'danger' : 'primary' },
    wanted.action,
  );
  const form = h(
    'form',
    {
      class: 'stack',
      submit: (event: Event) => {
        event.preventDefault();
        void run();
      },
    },
    wanted.fields,
    problems,
    h(
      'div',
      { class: 'actions end' },
      h('button', { type: 'button', click: () => dialog.close() }, 'Cancel'),
      action,
    ),
  );
  const dialog = open_dialog(wanted.title, form);
  const run = async (): Promise<void> => {
    action.disabled = true;
    fill(problems);
    try {
      result = await wanted.submit();
      dialog.close();
    } catch (error) {
      if (!is_abort(error)) fill(problems, problem_notice(error));
    } finally {
      action.disabled = false;
    }
  };
  await dialog.closed;
  return result;
}

interface Confirmation {
  title: string;
  /** What is lost, in full sentences. */
  lost: Child[];
  action: string;
  /** To be typed before the action can be taken. */
  typed?: string;
  submit: () => Promise<unknown>;
}

export async function confirm_removal(wanted: Confirmation): Promise<boolean> {
  const id = fresh_id('typed');
  const input = h('input', { id, autocomplete: 'off', spellcheck: 'false' });
  if (wanted.typed !== undefined) {
    const typed = wanted.typed;
    input.required = true;
    input.addEventListener('input', () =>
      input.setCustomValidity(input.value === typed ? '' : `Type ${typed} to confirm.`),
    );
  }
  const answer = await form_dialog({
    title: wanted.title,
    fields: [
      wanted.lost,
      wanted.typed === undefined
        ? null
        : h(
            'div',
            { class: 'field' },
            h('label', { for: id }, 'Type ', h('code', null, wanted.typed), ' to confirm'),
            input,
          ),
    ],
    action: wanted.action,
    danger: true,
    submit: async () => {
      await wanted.submit();
      return true;
    },
  });
  return answer === true;
}
