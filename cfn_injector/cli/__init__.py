"""The command line: what people do on their own machine, with the same verbs that the provider calls."""
