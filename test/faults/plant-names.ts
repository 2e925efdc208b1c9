/** How a plant is named to the processes that carry it. */

/** Name of the environment variable that says what is planted. */
export const PLANT_VARIABLE = 'BONDLINE_PLANT';

/** Exit code of a process in which the text to be changed does not stand exactly once. */
export const PLANT_FAILED = 97;
