// Evaluations: question sets, runs, their figures and questions.

export function startEvaluate(view) {}
