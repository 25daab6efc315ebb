import { ProblemError, type AdainClient, type Style } from '../client/index.ts';
import { find } from './dom.ts';

const fields = () => document.querySelectorAll<HTMLElement>('[data-field]');
const status = find('#status', HTMLElement);
const start = find('#start', HTMLElement);

/** What browsers say of it is for engineers. */
const unanswered: Readonly<Record<string, string>> = {
  TypeError: 'The service does not answer.',
  TimeoutError: 'The service takes too long.',
};

/** Says what is wrong at the control that it is about, or under the picture; before there is one, where it would be chosen. */
export function showProblem(
  error: unknown,
  field = error instanceof ProblemError ? error.problem.field : undefined,
): void {
  const { name, message: own } = error as Error;
  const message = unanswered[name] ?? own;
  const named = field ? document.querySelector(`[data-field~="${CSS.escape(field)}"]`) : null;
  const at = [named, status, start].find((place) => place?.closest('[hidden]') === null) ?? status;
  clearProblems();
  if (at === status) {
    status.textContent = message;
    status.classList.add('wrong');
    return;
  }
  const text = find('.error', HTMLElement, at);
  text.textContent = message;
  text.hidden = false;
  text.role = 'alert';
  at.classList.add('invalid');
}

export function clearProblems(): void {
  status.classList.remove('wrong');
  for (const field of fields()) {
    field.classList.remove('invalid');
    const text = find('.error', HTMLElement, field);
    text.hidden = true;
    text.textContent = '';
  }
}

/** What the service says of a file that this browser cannot show: it knows the remedy. */
export async function refusalOf(
  client: AdainClient,
  content: File,
  style: Style | undefined,
): Promise<unknown> {
  const browser = new Error('This browser cannot show the picture. Choose a JPEG, PNG or WebP.');
  return client.stylize({ content, styles: style ? [style.id] : [], size: 64 }).then(
    () => browser,
    (error: unknown) => error,
  );
}

export function say(text: string): void {
  status.classList.remove('wrong');
  status.textContent = text;
}
