import { type Child, fresh_id, h, type Props } from '../dom';

export interface Field<E extends HTMLElement> {
  row: HTMLElement;
  input: E;
}

function labelled<E extends HTMLElement>(label: string, input: E, hint?: Child): Field<E> {
  const hint_id = fresh_id('hint');
  input.id = input.id || fresh_id('field');
  if (hint) input.setAttribute('aria-describedby', hint_id);
  const row = h(
    'div',
    { class: 'field' },
    h('label', { for: input.id }, label),
    input,
    hint ? h('p', { class: 'hint', id: hint_id }, hint) : null,
  );
  return { row, input };
}

export function text_field(
  label: string,
  props: Props = {},
  hint?: Child,
): Field<HTMLInputElement> {
  return labelled(label, h('input', { autocomplete: 'off', ...props }), hint);
}

export function select_field(
  label: string,
  options: [value: string, text: string][],
  value: string,
  hint?: Child,
): Field<HTMLSelectElement> {
  const select = h(
    'select',
    { value },
    options.map(([one, text]) => h('option', { value: one }, text)),
  );
  if (!options.some(([one]) => one === value) && options[0]) select.value = options[0][0];
  return labelled(label, select, hint);
}

export function check_field(
  label: string,
  checked: boolean,
  hint?: Child,
): Field<HTMLInputElement> {
  const id = fresh_id('check');
  const input = h('input', { type: 'checkbox', id, checked });
  const hint_id = fresh_id('hint');
  if (hint) input.setAttribute('aria-describedby', hint_id);
  const row = h(
    'div',
    { class: 'field check' },
    input,
    h('label', { for: id }, label),
    hint ? h('p', { class: 'hint', id: hint_id }, hint) : null,
  );
  return { row, input };
}

export function radio_group(
  legend: string,
  options: [value: string, text: string][],
  value: string,
  changed: (value: string) => void,
): HTMLFieldSetElement {
  const name = fresh_id('radio');
  return h(
    'fieldset',
    { class: 'segments' },
    h('legend', null, legend),
    options.map(([one, text]) => {
      const id = fresh_id('choice');
      return h(
        'span',
        null,
        h('input', {
          type: 'radio',
          name,
          id,
          value: one,
          checked: one === value,
          change: () => changed(one),
        }),
        h('label', { for: id }, text),
      );
    }),
  );
}
