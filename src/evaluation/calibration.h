/*
 * calibration.h
 *	  Whether what a version says comes true, as versions record it.
 */
#ifndef RECO_EVALUATION_CALIBRATION_H
#define RECO_EVALUATION_CALIBRATION_H

#include "evaluation/measure.h"

/*
 * {"of": "values", "bins": [{"said": s, "seen": t, "count": n}, ...]}, rising by what was said:
 * values that were predicted beside those that were hidden; or of "scores" of the first places of
 * lists beside the share of these where a hidden item was.  NULL: too little was measured to tell.
 * Consumes what the scores have kept.
 */
extern Jsonb *reco_calibration_record(const RecoMeasurement *measurement, const RecoScores *scores);

#endif /* RECO_EVALUATION_CALIBRATION_H */
