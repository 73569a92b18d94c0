/** What this tab needs to take its stream up again after it was loaded anew. Each tab has its own: sessionStorage, not localStorage. */
export interface OnAir<Form> {
  resumeTicket: string;
  form: Form;
}

const STORAGE_KEY = 'beacon.on-air';

export function rememberOnAir<Form>(onAir: OnAir<Form>): void {
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify(onAir));
}

export function lastOnAir<Form>(): OnAir<Form> | undefined {
  const text = sessionStorage.getItem(STORAGE_KEY);
  return text ? (JSON.parse(text) as OnAir<Form>) : undefined;
}

export function forgetOnAir(): void {
  sessionStorage.removeItem(STORAGE_KEY);
}
