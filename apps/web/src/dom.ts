/** Elements made in code. Text goes in as text nodes, so nothing from a server or a file name becomes markup. */

export type Child = Node | string | number | null | undefined | false | Child[];
type Listener = (event: any) => void;
export type Props = Record<string, string | number | boolean | null | undefined | Listener>;

function append(parent: Node, children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(parent, child);
    else parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

function apply(element: Element, props: Props): void {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
}

/** h('button', {class: 'primary', click: save}, 'Save'): functions are listeners, the rest attributes. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props | null = null,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props) apply(element, props);
  append(element, children);
  if (element instanceof HTMLSelectElement && props?.value !== undefined)
    element.value = String(props.value);
  if (element instanceof HTMLTextAreaElement && props?.value !== undefined)
    element.value = String(props.value);
  return element;
}

const kSvg = 'http://www.w3.org/2000/svg';

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(kSvg, tag);
  apply(element, props);
  append(element, children);
  return element;
}

export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  append(parent, children);
}

let counter = 0;
/** An id for a label's `for`, a dialog's `aria-labelledby` and the like. */
export function fresh_id(prefix: string): string {
  counter += 1;
  return `${prefix}-${counter}`;
}
