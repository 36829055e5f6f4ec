/** What doctor found out about one matter. `lack`: something works less well or not at all; the command still ends with 0. `bad`: nothing will work. */
export type Finding = { readonly topic: string; readonly state: 'ok' | 'lack' | 'bad'; readonly detail: string };
