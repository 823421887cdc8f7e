// The library: what it holds, adding and removing.

export function startLibrary(view) {}
