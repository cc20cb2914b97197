/** Fetches a file of `vega-datasets`, where there is no file system to read it from (Workers, edge), or it would be bundled. */
export async function fetchSource(file: string): Promise<string> {
  const response = await fetch(`https://cdn.jsdelivr.net/npm/vega-datasets@3.2.1/data/${file}`)
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}`)
  return response.text()
}
