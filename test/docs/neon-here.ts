// Preloaded where a page's code speaks to a database at Neon: its requests go to the local server that speaks as Neon does.
const endpoint = process.env.DOCS_NEON
const { fetch: own } = globalThis

globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  return own(endpoint && url.hostname.endsWith('.neon.tech') ? endpoint : input, init)
}
