// scripts/ui/draggableList.js: a list whose items are moved by dragging, or with Alt and the arrow keys.

type DragDetail = { element: HTMLElement; oldPosition: number; newPosition: number };

/** Fires `dragstart` and `dragend`; the latter's detail is `{element, oldPosition, newPosition}`. */
export class DraggableList extends EventTarget {
  draggableItem: HTMLElement | null = null;
  private from = -1;
  private readonly off: (() => void)[] = [];

  constructor(
    readonly listContainer: HTMLElement,
    readonly itemSelector: string,
  ) {
    super();
    this.listen(listContainer, "pointerdown", (event) => this.start(event as PointerEvent));
    this.listen(listContainer, "keydown", (event) => this.key(event as KeyboardEvent));
  }

  getAllItems(): HTMLElement[] {
    const items = [...this.listContainer.querySelectorAll<HTMLElement>(this.itemSelector)];
    for (const item of items) item.classList.add("is-idle");
    return items;
  }

  dispose(): void {
    this.off.forEach((stop) => stop());
  }

  private listen(target: EventTarget, type: string, listener: (event: Event) => void): void {
    target.addEventListener(type, listener);
    this.off.push(() => target.removeEventListener(type, listener));
  }

  /** Items with a handle (`.drag-handle`) are dragged by it alone. */
  private start(event: PointerEvent): void {
    const target = event.target as Element;
    const item = target.closest<HTMLElement>(this.itemSelector);
    const handled = item?.querySelector(".drag-handle");
    if (!item || (handled && !target.closest(".drag-handle")) || target.closest("input, select, textarea, button")) return;
    event.preventDefault();
    this.draggableItem = item;
    this.from = this.getAllItems().indexOf(item);
    item.classList.add("is-draggable");
    this.dispatchEvent(new CustomEvent("dragstart", { detail: { element: item } }));
    const move = (moved: PointerEvent) => this.moveTo(moved.clientY);
    const end = () => {
      document.removeEventListener("pointermove", move);
      document.removeEventListener("pointerup", end);
      document.removeEventListener("pointercancel", end);
      this.finish();
    };
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", end);
    document.addEventListener("pointercancel", end);
  }

  private moveTo(y: number): void {
    const item = this.draggableItem;
    if (!item) return;
    const next = this.getAllItems().find((other) => {
      const box = other.getBoundingClientRect();
      return other !== item && y < box.top + box.height / 2;
    });
    if (next) next.before(item);
    else this.getAllItems().at(-1)?.after(item);
  }

  private finish(): void {
    const item = this.draggableItem;
    this.draggableItem = null;
    if (!item) return;
    item.classList.remove("is-draggable");
    this.tell({ element: item, oldPosition: this.from, newPosition: this.getAllItems().indexOf(item) });
  }

  private key(event: KeyboardEvent): void {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const item = (event.target as Element).closest<HTMLElement>(this.itemSelector);
    if (!event.altKey || step === undefined || !item) return;
    const items = this.getAllItems();
    const from = items.indexOf(item);
    const other = items[from + step];
    if (!other) return;
    event.preventDefault();
    if (step < 0) other.before(item);
    else other.after(item);
    this.tell({ element: item, oldPosition: from, newPosition: from + step });
    (event.target as HTMLElement).focus();
  }

  private tell(detail: DragDetail): void {
    this.dispatchEvent(new CustomEvent("dragend", { detail }));
  }
}
