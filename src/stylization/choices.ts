/** What a form may ask for, apart from what does it: commands read forms too, and paint nothing. */

/** Which frames of an animation are painted. */
export const frameChoices = ['first', 'all'] as const;
export type FrameChoice = (typeof frameChoices)[number];

export const strokesLimits = { min: 0.25, max: 4 } as const;
