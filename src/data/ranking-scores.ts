/**
 * How well a ranking serves its query, by the definitions of trec_eval: gains are the relevances as they
 * are, discounts log2(rank + 1) (Järvelin and Kekäläinen 2002); a query without relevant documents scores 0.
 *
 * One idea: the ranks of the relevant documents and their relevances are all that these measures need.
 */

/** The ranks, from 1, of the relevant documents of a query, and their relevances, all above 0. */
export type RankingScore = (ranks: readonly number[], relevances: readonly number[]) => number

/** Normalized discounted cumulative gain of the first `k` documents. */
export const ndcgAt =
  (k: number): RankingScore =>
  (ranks, relevances) => {
    const gain = (relevance: number, rank: number) =>
      rank <= k ? relevance / Math.log2(rank + 1) : 0
    const found = ranks.reduce((sum, rank, i) => sum + gain(relevances[i]!, rank), 0)
    const ideal = relevances.toSorted((a, b) => b - a)
    const most = ideal.reduce((sum, relevance, i) => sum + gain(relevance, i + 1), 0)
    return most === 0 ? 0 : found / most
  }

/** One over the rank of the first relevant document; 0 where it is beyond `k`. */
export const reciprocalRankAt =
  (k: number): RankingScore =>
  (ranks) => {
    const first = ranks.reduce((least, rank) => Math.min(least, rank), Infinity)
    return first <= k ? 1 / first : 0
  }

/** Mean of the precisions at the ranks of the relevant documents. */
export const averagePrecision: RankingScore = (ranks) => {
  if (ranks.length === 0) return 0
  const ascending = ranks.toSorted((a, b) => a - b)
  return ascending.reduce((sum, rank, i) => sum + (i + 1) / rank, 0) / ranks.length
}

/** Share of the relevant documents that stand among the first `k`. */
export const recallAt =
  (k: number): RankingScore =>
  (ranks) =>
    ranks.length === 0 ? 0 : ranks.filter((rank) => rank <= k).length / ranks.length

/**
 * The rank of one document among all, by their scores. Of equal scores the one that stands later comes
 * first, as with trec_eval where documents are numbered: data lists the relevant ones first, and a model
 * that cannot tell documents apart must not be rewarded for that. A score that is no number comes last.
 */
export function rankOf(document: number, scores: ArrayLike<number>): number {
  const own = lastIfNaN(scores[document]!)
  let rank = 1
  for (let i = 0; i < scores.length; i++) {
    const other = lastIfNaN(scores[i]!)
    if (other > own || (other === own && i > document)) rank++
  }
  return rank
}

const lastIfNaN = (score: number): number => (Number.isNaN(score) ? -Infinity : score)
