import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './Icon';

interface Props {
  label: string;
  testId?: string;
  onClose: () => void;
  children: ComponentChildren;
}

/** The browser's own dialog: it keeps the focus, closes with Escape, and gives the focus back. */
function Modal({ kind, label, testId, onClose, children }: Props & { kind: 'drawer' | 'sheet' }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    const opener = document.activeElement;
    element.showModal();
    return () => {
      element.close();
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={kind}
      aria-label={label}
      data-testid={testId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      {children}
    </dialog>
  );
}

/** Comes in from the side and leaves the page in place. */
export function Drawer({ children, ...props }: Props) {
  return (
    <Modal kind="drawer" {...props}>
      <div class="drawer-head">
        <h2>{props.label}</h2>
        <button class="quiet icon" aria-label="Close" onClick={props.onClose}>
          <Icon name="close" />
        </button>
      </div>
      <div class="drawer-body">{children}</div>
    </Modal>
  );
}

/** A small question in the middle. The way out comes last, so that the question has the focus. */
export function Sheet({ children, ...props }: Props) {
  return (
    <Modal kind="sheet" {...props}>
      {children}
      <button class="quiet icon sheet-close" aria-label="Close" onClick={props.onClose}>
        <Icon name="close" />
      </button>
    </Modal>
  );
}
