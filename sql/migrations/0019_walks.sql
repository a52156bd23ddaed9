-- What it costs to look for words where no index has them. A word that nobody uses is held for one of half a
-- percent: walking along the events for it must look dearer than what the index says, up to millions of them.
ALTER FUNCTION event_words(text, text[]) COST 10000;
