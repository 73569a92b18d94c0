/** So many moments are kept: ten minutes at one every two seconds. */
const MOST = 300;

/** Columns of figures over time, as uPlot takes them: the first are Unix seconds, `null` is not known. */
export class Series {
  readonly times: number[] = [];
  readonly columns: (number | null)[][];

  constructor(columns: number) {
    this.columns = Array.from({ length: columns }, () => []);
  }

  push(atSeconds: number, figures: (number | null | undefined)[]): void {
    this.times.push(atSeconds);
    this.columns.forEach((column, index) => column.push(figures[index] ?? null));
    if (this.times.length > MOST) for (const column of [this.times, ...this.columns]) column.shift();
  }

  get data(): [number[], ...(number | null)[][]] {
    return [this.times, ...this.columns];
  }
}
