/*
 * algorithms.h
 *	  The algorithms, one line each: for whoever defines what a line means and includes this.
 *
 * NAME is that of the constructor, reco.NAME(); reco_algorithm_NAME describes it (model.h).
 */
RECO_ALGORITHM(ials)
RECO_ALGORITHM(als)
RECO_ALGORITHM(svd)
RECO_ALGORITHM(bpr)
RECO_ALGORITHM(item_knn)
RECO_ALGORITHM(user_knn)
RECO_ALGORITHM(rp3beta)
RECO_ALGORITHM(ease)
RECO_ALGORITHM(slim)
RECO_ALGORITHM(sequence)
RECO_ALGORITHM(session_knn)
RECO_ALGORITHM(repeat)
RECO_ALGORITHM(session_linear)
RECO_ALGORITHM(graph)
RECO_ALGORITHM(content)
RECO_ALGORITHM(popular)
RECO_ALGORITHM(hybrid)
RECO_ALGORITHM(private)
RECO_ALGORITHM(auto)
