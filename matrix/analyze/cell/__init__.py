"""One cell answered: predicate, simulation or truth, verdict, reasons and fixes."""
