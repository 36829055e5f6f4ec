/** What a journal says is not what was decided when less of it was known: its artefact is made again, with all of it in view. */
export class Contradiction extends Error {}
