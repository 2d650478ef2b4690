/** What crosses between the benchmark and its threads. */

export interface ForecastTask {
  closes: number[];
  season: number[];
  horizon: number;
}

/** Median and 95 % band of one model; null: it refused. */
export interface ModelForecast {
  model: string;
  median: number[];
  lower: number[];
  upper: number[];
}

export interface ForecastAnswer {
  /** Null: no model could say anything. */
  shown: string | null;
  models: ModelForecast[];
  /** CPU milliseconds of the whole pipeline, and of one fit of each model. */
  cpuMs: number;
  fitMs: Record<string, number>;
}

export interface ThreadRequest {
  index: number;
  task: ForecastTask;
}

export interface ThreadReply {
  index: number;
  answer: ForecastAnswer;
}
