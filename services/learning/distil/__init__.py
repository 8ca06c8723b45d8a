"""Distillation: what the parent learned, in an adapter that a device has room for.

Workflow. The parent (base and released adapter) answers questions; a student, an adapter of a small
rank over the same base, learns to find each token of those answers as likely as the parent does.
It starts from the best approximation of the parent's adapter at its rank, so that questions which
nobody asks lose little. Then it is measured on the suites of the update policy beside what devices
have now and beside the parent; what lost safety or protected knowledge, or less than half of what
the parent gained, is not published. The brick is one of level *device*.

    done = Distiller(signing, suites, folder, model=file, recipe=Recipe()).distil(task)
    done.figures.kept                    # share of the parent's gain that the student has
"""
